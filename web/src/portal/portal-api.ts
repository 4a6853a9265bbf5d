/** @file Where the portal gets its data: files beside the page, and look-ups by the server where there is one. */
import type { DomainLookup, PortalData } from "../../../src/release/index.ts";
import type { LookupAnswer } from "../../../src/serve/index.ts";
import { fetchJson, jsonRequest } from "../fetch-here.ts";

/** True on a page that was exported to a plain web server: there is no model to talk to. */
export const isStatic = document.documentElement.dataset["site"] === "static";

export function fetchPortal(): Promise<PortalData> {
  return fetchJson<PortalData>("legal/portal.json");
}

let table: Promise<DomainLookup> | undefined;

/** The table of domains, fetched once. */
export function fetchDomains(): Promise<DomainLookup> {
  table ??= fetchJson<DomainLookup>("legal/lookup.json");
  return table;
}

/** Asks the server about a domain or a passage. */
export function lookUp(request: { domain: string } | { text: string }): Promise<LookupAnswer> {
  return fetchJson<LookupAnswer>("api/lookup", jsonRequest("POST", request));
}
