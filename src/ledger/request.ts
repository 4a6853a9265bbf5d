/**
 * @file A request to leave something out of training: what it names, how that is written down, and what the data
 * pipeline reads of it. The ledger can never forget, so it is told nothing that somebody may want forgotten: passages and
 * personal data are kept as salted hashes (the salt stands in the receipt alone), and who asked is not in it at all.
 */
import { getDomain, getHostname } from "tldts";
import { z } from "zod";
import { FirnError, sha256 } from "../core/index.ts";
import type { Fact } from "./fact.ts";

export const REQUEST_KINDS = ["domain", "url", "hash", "text", "person"] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

/** What a request asks about, as it came. */
export interface RequestSubject {
  readonly kind: RequestKind;
  /** The domain, address (with everything below it), SHA-256 of a document, passage, or personal datum. */
  readonly value: string;
}

/** Passages shorter than this stand in texts by chance. */
const SHORTEST_PASSAGE = 8;

function broad(subject: RequestSubject, expected: string): FirnError {
  return new FirnError("LEDGER_REQUEST", {
    expected,
    got: `${subject.kind} ${JSON.stringify(subject.value.slice(0, 200))}`,
    next: "Name what is to be left out as exactly as you can: firn optout add domain example.com, url https://example.com/page, hash <SHA-256>, text “a passage”, person “a name or address”.",
  });
}

/**
 * The subject in one spelling. @throws FirnError `LEDGER_REQUEST` for something that names nothing, or everybody's text
 */
export function normaliseSubject(subject: RequestSubject): RequestSubject {
  const value = subject.value.trim();
  switch (subject.kind) {
    case "domain": {
      const host = getHostname(value) ?? "";
      if (getDomain(host, { allowPrivateDomains: true }) === null)
        throw broad(subject, "a domain that somebody can own (not a public suffix such as com)");
      return { kind: "domain", value: host };
    }
    case "url":
      if (!/^https?:\/\/[^/\s]+\/\S*$/.test(value))
        throw broad(subject, "a web address with its path, e.g. https://example.com/texts/");
      return { kind: "url", value };
    case "hash":
      if (!/^[0-9a-fA-F]{64}$/.test(value)) throw broad(subject, "a SHA-256 of 64 hexadecimal digits");
      return { kind: "hash", value: value.toLowerCase() };
    case "text":
    case "person":
      if (value.length < SHORTEST_PASSAGE)
        throw broad(subject, `at least ${SHORTEST_PASSAGE} characters as they stand in the text`);
      return { kind: subject.kind, value };
  }
}

/** A line of the list that `documents.optOut.requests` of a recipe names. */
export type RequestRule = Readonly<
  { id: string; date: string } & ({ domain: string } | { urlPrefix: string } | { sha256: string })
>;

const effectSchema = z.object({
  /** The pretraining run, by fingerprint. */
  run: z.string(),
  documents: z.number(),
  heldout: z.number(),
  /** Of the training documents, those kept for tests not counted. */
  bytes: z.number(),
  tokens: z.number(),
  /** Tokens as often as training saw them. */
  seenTokens: z.number(),
  steps: z.number(),
  firstStep: z.number().nullable(),
  lastStep: z.number().nullable(),
  totalSteps: z.number(),
  /** Documents in the corpus of the run, concerned or not. */
  corpus: z.number().default(0),
  /** Documents that were dropped before training, by step and reason. */
  dropped: z.array(z.object({ step: z.string(), reason: z.string(), documents: z.number() })),
  releases: z.array(z.object({ name: z.string(), fingerprint: z.string() })),
  /** What training again from before the first exposure would take. */
  retrain: z
    .object({ fromStep: z.number(), steps: z.number(), flop: z.number(), seconds: z.number().nullable() })
    .nullable(),
});
/** What a request concerns in one training run. */
export type RequestEffect = z.infer<typeof effectSchema>;

const requestSchema = z.object({
  id: z.string(),
  kind: z.enum(REQUEST_KINDS),
  /** Domain, address or hash; of passages and personal data the salted SHA-256 only. */
  subject: z.string(),
  received: z.string(),
  deadline: z.string(),
  /** SHA-256 of the documents it concerns, as the pipeline meets them. */
  documents: z.array(z.string()),
  effects: z.array(effectSchema),
});
/** The data of a `request` fact. */
export type RequestRecord = z.infer<typeof requestSchema>;

export const REQUEST_DECISIONS = ["next-corpus", "output-filter", "retrain", "refused"] as const;
export type RequestDecision = (typeof REQUEST_DECISIONS)[number];

const decisionSchema = z.object({
  id: z.string(),
  decision: z.enum(REQUEST_DECISIONS),
  why: z.string().nullable(),
});

/** A request and what was decided about it since. */
export interface OpenRequest extends RequestRecord {
  readonly decisions: readonly { decision: RequestDecision; why: string | null; time: string }[];
}

/** Whether nothing that was kept or dropped is concerned. */
export function concernsNothing(effects: readonly RequestEffect[]): boolean {
  return effects.every(({ documents, heldout, dropped }) => documents + heldout + dropped.length === 0);
}

/**
 * Refuses a request that names every document of a corpus: a slip more often than a claim, and it would leave nothing to
 * train on. @throws FirnError `LEDGER_REQUEST`
 */
export function refuseEverything(effects: readonly RequestEffect[]): void {
  const whole = effects.find(
    ({ documents, heldout, corpus }) => corpus > 0 && documents + heldout === corpus,
  );
  if (whole === undefined) return;
  throw new FirnError("LEDGER_REQUEST", {
    expected: "a request about some of the documents",
    got: `one that names all ${whole.corpus} of the run ${whole.run.slice(0, 12)}`,
    next: "Nothing was recorded. Name less; if everything is meant, say so with --everything.",
  });
}

/** How a request's subject is written down; without the salt nobody can try guesses against the hash. */
export function recordedSubject({ kind, value }: RequestSubject, salt: string): string {
  return isKeptAsHash(kind) ? sha256(`${salt} ${value}`) : value;
}

/** Whether a request's own words are in no list: passages and personal data are recognised by their documents alone. */
export function isKeptAsHash(kind: RequestKind): boolean {
  return kind === "text" || kind === "person";
}

/** A short name for a request, which tells the day and nothing of what it is about. */
export function requestId(received: string, salt: string): string {
  return `${received.slice(0, 10).replaceAll("-", "")}-${sha256(`id ${salt}`).slice(0, 8)}`;
}

/** The requests in `facts` with their decisions, in the order in which they came. */
export async function collectRequests(facts: AsyncIterable<Fact>): Promise<OpenRequest[]> {
  const requests = new Map<string, OpenRequest>();
  for await (const { kind, data, time } of facts) {
    if (kind === "request") {
      const request = requestSchema.safeParse(data).data;
      if (request !== undefined) requests.set(request.id, { ...request, decisions: [] });
    } else if (kind === "request.decision") {
      const decided = decisionSchema.safeParse(data).data;
      const request = decided && requests.get(decided.id);
      if (decided === undefined || request === undefined) continue;
      const { decision, why } = decided;
      requests.set(request.id, { ...request, decisions: [...request.decisions, { decision, why, time }] });
    }
  }
  return [...requests.values()];
}

/** What the data pipeline reads: one line per domain or address, one per document of the others. Refused ones are out. */
export function requestRules(requests: readonly OpenRequest[]): RequestRule[] {
  return requests.flatMap(({ id, kind, subject, received, documents, decisions }): RequestRule[] => {
    if (decisions.at(-1)?.decision === "refused") return [];
    const base = { id, date: received.slice(0, 10) };
    if (kind === "domain") return [{ ...base, domain: subject }];
    if (kind === "url") return [{ ...base, urlPrefix: subject }];
    const hashes = kind === "hash" ? [subject, ...documents] : documents;
    return [...new Set(hashes)].sort().map((hash) => ({ ...base, sha256: hash }));
  });
}

/** Where a request's clock stands. */
export type RequestClock =
  | { readonly state: "decided" }
  | { readonly state: "open" | "overdue"; readonly days: number }
  | { readonly state: "clock-behind" };

/** Days to (or since) the deadline; a clock that stands before the request's own time can say neither. */
export function requestClock(request: OpenRequest, now: Date): RequestClock {
  if (request.decisions.length > 0) return { state: "decided" };
  const time = now.getTime();
  if (time < Date.parse(request.received)) return { state: "clock-behind" };
  const days = (Date.parse(request.deadline) - time) / 86_400_000;
  return days < 0 ? { state: "overdue", days: Math.ceil(-days) } : { state: "open", days: Math.floor(days) };
}
