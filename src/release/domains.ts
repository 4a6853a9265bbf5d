/**
 * @file The list of domain names of the public summary, section 2.3: registrable domains (one label below a public
 * suffix) by the size of their retained text; the largest tenth, or for small enterprises the largest twentieth and at
 * most 1,000. Source: template of Art. 53(1)(d), C(2025) 8311.
 */
import { getDomain } from "tldts";
import { sha256 } from "../core/index.ts";
import type { HostTotals } from "../ledger/index.ts";
import type { DomainsFact } from "./papers/facts.ts";

/** The package that brings the public suffix list; a test compares it with the one installed. */
export const PUBLIC_SUFFIX_LIST = "public suffix list of tldts 7.5.5, private suffixes included";
const SME_MOST = 1000;
/** How many domains the fact itself names. */
const NAMED = 20;

/** The registrable domain of a host; an address without one (an IP address) stands for itself. */
export function registrable(host: string): string {
  return getDomain(host, { allowPrivateDomains: true }) ?? host;
}

export interface DomainTotals {
  readonly domain: string;
  documents: number;
  bytes: number;
  tokens: number;
}

/** Hosts added up by registrable domain, largest first. */
export function domainTotals(hosts: readonly HostTotals[]): DomainTotals[] {
  const domains = new Map<string, DomainTotals>();
  for (const { host, documents, bytes, tokens } of hosts) {
    const domain = registrable(host);
    const total = domains.get(domain) ?? { domain, documents: 0, bytes: 0, tokens: 0 };
    total.documents += documents;
    total.bytes += bytes;
    total.tokens += tokens;
    domains.set(domain, total);
  }
  return [...domains.values()].sort((a, b) => b.bytes - a.bytes || (a.domain < b.domain ? -1 : 1));
}

/** How many of `domains` the summary must list. */
export function listedDomains(domains: number, sme: boolean): number {
  return sme ? Math.min(Math.ceil(0.05 * domains), SME_MOST) : Math.ceil(0.1 * domains);
}

/** The list as `domains.csv` and the fact that the papers cite. */
export function domainList(
  hosts: readonly HostTotals[],
  sme: boolean,
): { readonly csv: string; readonly fact: DomainsFact } {
  const domains = domainTotals(hosts);
  const listed = listedDomains(domains.length, sme);
  const rows = domains
    .slice(0, listed)
    .map(
      ({ domain, bytes, documents, tokens }, i) => `${i + 1},${domain},${bytes},${documents},${tokens},text`,
    );
  const csv = `${["rank,domain,bytes,documents,tokens,modality", ...rows].join("\n")}\n`;
  return {
    csv,
    fact: {
      domains: domains.length,
      listed,
      rule: sme
        ? "the largest 5 %, at most 1,000 (small and medium-sized enterprise)"
        : "the largest 10 % by bytes of retained text",
      publicSuffixList: PUBLIC_SUFFIX_LIST,
      sha256: sha256(csv),
      largest: domains
        .slice(0, Math.min(NAMED, listed))
        .map(({ domain, bytes, documents }) => ({ domain, bytes, documents })),
    },
  };
}
