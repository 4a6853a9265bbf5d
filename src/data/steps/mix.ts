/** @file Caps on how much of a source or language goes in. What is over a cap is a reject, drawn by hash of the id. */
import { documentDraw } from "./split.ts";

/** One cap. It applies to documents of `source` (or all) in `language` (or all); the first two may be left out. */
export interface MixRule {
  readonly source?: string | undefined;
  readonly language?: string | undefined;
  /** The cap holds for each language by itself, not for their sum. */
  readonly eachLanguage?: boolean | undefined;
  /** Bytes of text in the training share; the held-out share is capped to the same proportion. */
  readonly maxBytes: number;
}

export interface MixRow {
  readonly id: string;
  readonly source: string;
  readonly language: string | null;
  readonly bytes: number;
  readonly heldout: boolean;
}

/**
 * Marks the documents that are over a cap. Documents come in the order of their draws, so that what stays is a fair
 * sample and depends on the ids alone; one that no longer fits is skipped and smaller ones may still come in.
 */
export function overQuota(
  rows: readonly MixRow[],
  rules: readonly MixRule[],
  seed: number,
  share: number,
): boolean[] {
  const over = rows.map(() => false);
  if (rules.length === 0) return over;
  const order = rows.map(({ id }, i) => ({ i, draw: documentDraw(seed, "mix", id) }));
  order.sort((a, b) => a.draw - b.draw || a.i - b.i);
  const used = new Map<string, number>();
  for (const { i } of order) {
    const row = rows[i]!;
    const caps: { name: string; limit: number }[] = [];
    for (const [r, rule] of rules.entries()) {
      if (rule.source !== undefined && rule.source !== row.source) continue;
      if (rule.language !== undefined && rule.language !== row.language) continue;
      const name = `${r}\n${rule.eachLanguage === true ? row.language : ""}\n${row.heldout}`;
      caps.push({ name, limit: row.heldout ? (rule.maxBytes * share) / (1 - share) : rule.maxBytes });
    }
    over[i] = caps.some(({ name, limit }) => (used.get(name) ?? 0) + row.bytes > limit);
    if (over[i]) continue;
    for (const { name } of caps) used.set(name, (used.get(name) ?? 0) + row.bytes);
  }
  return over;
}
