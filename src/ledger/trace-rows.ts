/** @file Shapes of what a trace tells: documents, rejects, exposures, hits of a text, totals of a domain. */
import { z } from "zod";

export const text = z.string();
export const optionalText = z.string().nullable();
export const count = z.int().min(0);

export const origin = {
  source: optionalText,
  url: optionalText,
  language: optionalText,
  licence: optionalText,
};

export const exposureRow = z.object({ step: count, row: count, start: count, length: count });
/** One time a document was in a batch. */
export type Exposure = Readonly<z.infer<typeof exposureRow>>;

export const documentRow = z.object({ id: text, ...origin, split: text, bytes: count });
/** A document that was kept; `split` is `train` or `heldout`. */
export type TracedDocument = Readonly<z.infer<typeof documentRow>>;

export const rejectRow = z.object({ id: text, ...origin, step: text, reason: text });
/** A document that was dropped: by which step and why. */
export type TracedReject = Readonly<z.infer<typeof rejectRow>>;

export interface DocumentTrace {
  readonly id: string;
  readonly document: TracedDocument | undefined;
  readonly reject: TracedReject | undefined;
  /** Every time training saw it, in the order of training. */
  readonly exposures: readonly Exposure[];
}

/** The columns of a kept document; `filename` is `…/<split>-<shard>.parquet`. */
export const DOCUMENT_COLUMNS = `id, source, url, language, licence,
  regexp_extract(filename, '([^/\\\\]*)-[0-9]+[.]parquet$', 1) AS split, strlen(text) AS bytes`;
/** All kept documents (`$documents`), all dropped ones (`$rejects`). */
export const DOCUMENTS = "read_parquet($documents, union_by_name = true, filename = true)";
export const REJECTS = "read_parquet($rejects, union_by_name = true)";
export const REJECT_COLUMNS = `id, source, url, language, licence, step, reason`;

export const excerpt = { excerpt: text };
export const textHit = documentRow.extend(excerpt);
export const textReject = rejectRow.extend(excerpt);

export interface TextTrace {
  readonly text: string;
  /** How many documents hold it; the lists below may be shorter. */
  readonly keptCount: number;
  readonly rejectedCount: number;
  /** By id. `excerpt` is the first place with about 60 characters on both sides. */
  readonly documents: readonly (TracedDocument & { readonly excerpt: string })[];
  readonly rejects: readonly (TracedReject & { readonly excerpt: string })[];
}

export const EXCERPT = `substr(text, CAST(greatest(1, strpos(text, $text) - 60) AS BIGINT), length($text) + 120) AS excerpt`;

export const keptGroup = z.object({
  source: optionalText,
  licence: optionalText,
  split: text,
  documents: count,
  bytes: count,
});
export const droppedGroup = z.object({ source: optionalText, step: text, reason: text, documents: count });
export const seenTotals = z.object({ documents: count, tokens: count, steps: count });

/** What became of a group of documents. */
export interface GroupTrace {
  /** What was kept of it, by source, licence and split. */
  readonly kept: readonly Readonly<z.infer<typeof keptGroup>>[];
  /** What was dropped, by source, step and reason. */
  readonly dropped: readonly Readonly<z.infer<typeof droppedGroup>>[];
  /** What training saw of it: documents, tokens (counted as often as seen) and steps. */
  readonly seen: Readonly<z.infer<typeof seenTotals>> | undefined;
}

export interface DomainTrace extends GroupTrace {
  /** Lower case. */
  readonly domain: string;
}
