/** @file Documents and rejects that hold a text, have an id or come from an address: found by reading them all, in order. */
import { type DocumentRecord, readDocuments, readRejects, type RejectRecord } from "./documents.ts";

export type FoundSide = "train" | "heldout" | "dropped";

export interface FoundRecord {
  readonly side: FoundSide;
  readonly record: DocumentRecord | RejectRecord;
  /** Where in its text; -1 where its id or address fits and its text does not. */
  readonly at: number;
}

export interface SearchResult {
  readonly found: readonly FoundRecord[];
  /** Documents that were looked at. */
  readonly seen: number;
  /** False when `signal` ended the search, or more may be found than was asked for. */
  readonly complete: boolean;
}

export interface SearchOptions {
  /** Letters of either case are the same. */
  readonly text: string;
  readonly sides: readonly FoundSide[];
  readonly limit: number;
  /** Ends the search early, with what was found. */
  readonly signal: AbortSignal;
}

/**
 * Searches the documents artifact in `dir`, side after side.
 *
 * @throws those of `readDocuments` and `readRejects`
 */
export async function searchDocuments(dir: string, options: SearchOptions): Promise<SearchResult> {
  const { sides, limit, signal } = options;
  const wanted = options.text.toLowerCase();
  const found: FoundRecord[] = [];
  let seen = 0;
  for (const side of sides) {
    const batches = side === "dropped" ? readRejects(dir) : readDocuments(dir, side);
    for await (const batch of batches) {
      if (signal.aborted) return { found, seen, complete: false };
      for (const record of batch) {
        seen += 1;
        const at = record.text.toLowerCase().indexOf(wanted);
        const fits =
          at >= 0 ||
          record.id.toLowerCase().includes(wanted) ||
          record.url?.toLowerCase().includes(wanted) === true;
        if (!fits) continue;
        if (found.length === limit) return { found, seen, complete: false };
        found.push({ side, record, at });
      }
    }
  }
  return { found, seen, complete: true };
}
