/**
 * @file What a data step is. Documents travel in batches through async generators; what a step drops is a record
 * with the step's name and one reason, so that nothing can get lost on the way.
 */
import type { DocumentRecord, RejectRecord } from "../../artifacts/index.ts";

/** What becomes of one document: goes on (perhaps changed), or is dropped for a reason. */
export type Verdict =
  | { readonly keep: DocumentRecord }
  | {
      readonly reason: string;
      readonly detail?: string;
      /** What else to count the document under, beside its one reason. */
      readonly marks?: readonly string[];
    };

/** A step that looks at one document at a time, and so may run in any worker. */
export interface DocumentStep {
  readonly name: string;
  /** `original` is the document as its source has it, before any step changed it; `document` itself if left out. */
  judge(document: DocumentRecord, original?: DocumentRecord): Verdict;
  /** Lets go of open files, where the step has any. */
  close?(): void;
}

/** A document as a reject. */
export function rejectDocument(
  document: DocumentRecord,
  step: string,
  reason: string,
  detail?: string,
): RejectRecord {
  return { ...document, step, reason, detail: detail ?? null };
}
