/** @file Exact duplicates: of documents with the same normalised text, the first one stays. */
import type { DocumentStep } from "./step.ts";

/**
 * Reason: `exact-duplicate`, with the id of the copy that stays. Compares SHA-256 of the text; remembers one entry per
 * kept document, so it must see all documents in one place and in order.
 */
export function deduplicateStep(): DocumentStep {
  const first = new Map<string, string>();
  return {
    name: "deduplicate",
    judge(document) {
      const original = first.get(document.sha256);
      if (original !== undefined) return { reason: "exact-duplicate", detail: original };
      first.set(document.sha256, document.id);
      return { keep: document };
    },
  };
}
