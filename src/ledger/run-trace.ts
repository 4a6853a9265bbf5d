/** @file One run's traces behind one interface: from its index where there is one, from its tables where not. */
import { originFinder, type Origins } from "./origins.ts";
import type { RunTables } from "./request-effect.ts";
import { type StepTrace, traceDocument, traceStep, traceText } from "./trace.ts";
import { traceDomain, traceLicence, traceUrl } from "./trace-group.ts";
import { openTraceIndex } from "./trace-index.ts";
import { indexedDocument, indexedDomain, indexedText } from "./trace-indexed.ts";
import type { DocumentTrace, DomainTrace, GroupTrace, TextTrace } from "./trace-rows.ts";

/** The questions of `trace.ts` about one run; errors as there. */
export interface RunTrace {
  /** Whether an index answers. */
  readonly indexed: boolean;
  step(step: number): Promise<StepTrace>;
  document(id: string): Promise<DocumentTrace>;
  domain(domain: string): Promise<DomainTrace>;
  /** An address and what lies below it; always from the tables. */
  url(url: string): Promise<GroupTrace>;
  /** Everything under a licence; always from the tables. */
  licence(licence: string): Promise<GroupTrace>;
  /** Passages too short for the index are looked for in the tables. */
  text(text: string, limit?: number): Promise<TextTrace>;
  /** Passages of `text` that stand word for word in training documents; errors as in `origins.ts`. */
  readonly origins: (text: string) => Promise<Origins>;
}

/** A domain in one spelling. */
function normalise(domain: string): string {
  return domain
    .trim()
    .toLowerCase()
    .replace(/^\.+|\.+$/g, "");
}

/**
 * Opens the traces of `run`; `indexDir` may or may not hold an index, and `conversations` is the file of conversations that
 * the model learnt from as well.
 */
export async function openRunTrace(
  run: RunTables,
  indexDir: string,
  conversations?: string,
): Promise<RunTrace> {
  const index = await openTraceIndex(indexDir);
  const tables: RunTrace = {
    indexed: false,
    step: (step) => traceStep({ ...run, step }),
    document: (id) => traceDocument({ ...run, id }),
    domain: (domain) => traceDomain({ ...run, domain }),
    url: (url) => traceUrl({ ...run, url }),
    licence: (licence) => traceLicence({ ...run, licence }),
    text: (text, limit) => traceText({ ...run, text, ...(limit === undefined ? {} : { limit }) }),
    origins: originFinder(run, index, conversations),
  };
  if (index === undefined) return tables;
  return {
    ...tables,
    indexed: true,
    document: async (id) => (await indexedDocument(index, id)) ?? tables.document(id),
    domain: (domain) => indexedDomain(index, normalise(domain)),
    text: async (text, limit = 20) => (await indexedText(index, text, limit)) ?? tables.text(text, limit),
  };
}
