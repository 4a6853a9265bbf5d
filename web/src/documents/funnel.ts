/** @file The rows of the funnel: what came into each step, what went on, and why the rest did not. */
import type { DocumentsPage } from "../../../src/serve/index.ts";

export interface FunnelRow {
  readonly step: string;
  readonly entered: number;
  readonly out: number;
  /** Most first. */
  readonly dropped: readonly { readonly reason: string; readonly documents: number }[];
}

/**
 * Counted from the end: what a step let through is what was kept and what later steps dropped. `language` narrows all of
 * it to one language; `undefined` is all of them.
 */
export function funnelRows(page: DocumentsPage, language: string | undefined): FunnelRow[] {
  let going =
    language === undefined
      ? page.train.documents + page.heldout.documents
      : (page.languages.find(({ name }) => name === language)?.kept.documents ?? 0);
  return page.steps
    .toReversed()
    .map((step): FunnelRow => {
      const out = going;
      const dropped = page.reasons
        .filter((group) => group.step === step)
        .map(({ reason, documents, languages }) => ({
          reason,
          documents: language === undefined ? documents : (languages[language] ?? 0),
        }))
        .filter(({ documents }) => documents > 0)
        .sort((a, b) => b.documents - a.documents);
      going += dropped.reduce((sum, { documents }) => sum + documents, 0);
      return { step, entered: going, out, dropped };
    })
    .reverse();
}
