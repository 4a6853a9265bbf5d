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

/** The caps that a document falls under: the name that its bytes are counted under, and the limit. */
function capsOf(row: MixRow, rules: readonly MixRule[], share: number): { name: string; limit: number }[] {
  const caps: { name: string; limit: number }[] = [];
  for (const [r, rule] of rules.entries()) {
    if (rule.source !== undefined && rule.source !== row.source) continue;
    if (rule.language !== undefined && rule.language !== row.language) continue;
    const name = `${r}\n${rule.eachLanguage === true ? row.language : ""}\n${row.heldout}`;
    caps.push({ name, limit: row.heldout ? (rule.maxBytes * share) / (1 - share) : rule.maxBytes });
  }
  return caps;
}

/**
 * Marks the documents (of `count`) that are over a cap with 1. They are taken in the order of their draws, so that what
 * stays is a fair sample and depends on the ids alone; one that no longer fits is skipped and smaller ones may still come
 * in. Needs 20 bytes of memory a document while it works, and none where there are no rules.
 */
export function overQuota(
  rows: Iterable<MixRow>,
  count: number,
  rules: readonly MixRule[],
  seed: number,
  share: number,
): Uint8Array {
  const over = new Uint8Array(count);
  if (rules.length === 0) return over;
  const draws = new Float64Array(count);
  const bytes = new Uint32Array(count);
  const kinds = new Uint32Array(count);
  const kindNumbers = new Map<string, number>();
  const caps: ReturnType<typeof capsOf>[] = [];
  let index = 0;
  for (const row of rows) {
    draws[index] = documentDraw(seed, "mix", row.id);
    bytes[index] = row.bytes;
    const kind = `${row.source}\n${row.language}\n${row.heldout}`;
    if (!kindNumbers.has(kind)) {
      kindNumbers.set(kind, caps.length);
      caps.push(capsOf(row, rules, share));
    }
    kinds[index] = kindNumbers.get(kind)!;
    index += 1;
  }
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  order.sort((a, b) => draws[a]! - draws[b]! || a - b);
  const used = new Map<string, number>();
  for (const i of order) {
    const size = bytes[i]!;
    const mine = caps[kinds[i]!]!;
    if (mine.some(({ name, limit }) => (used.get(name) ?? 0) + size > limit)) {
      over[i] = 1;
      continue;
    }
    for (const { name } of mine) used.set(name, (used.get(name) ?? 0) + size);
  }
  return over;
}
