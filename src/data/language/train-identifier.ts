/** @file Training the language identifier: counting the character n-grams of text whose language is declared. */
import type { LanguageModelCounts } from "./identifier.ts";
import { foldText, gramHashes } from "./ngrams.ts";

/** N-grams kept per label, most frequent first. */
const GRAMS_PER_LABEL = 6000;

/** The counts of one label's n-grams, ascending by hash. */
function countGrams(texts: readonly string[]): { grams: Uint32Array; counts: Uint16Array } {
  const parts = texts.map((text) => gramHashes(foldText(text)));
  const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  all.sort();
  const grams: number[] = [];
  const counts: number[] = [];
  for (let i = 0; i < all.length; ) {
    let end = i + 1;
    while (end < all.length && all[end] === all[i]) end += 1;
    grams.push(all[i]!);
    counts.push(Math.min(65_535, end - i));
    i = end;
  }
  return { grams: Uint32Array.from(grams), counts: Uint16Array.from(counts) };
}

/**
 * Indices of the most frequent n-grams, ascending. Among those as frequent as the last one that fits, the smaller
 * hashes win, so that the choice does not depend on any order.
 */
function mostFrequent(counts: Uint16Array): Uint32Array {
  const histogram = new Uint32Array(65_536);
  for (const count of counts) histogram[count]! += 1;
  let threshold = 65_536;
  let above = 0;
  while (threshold > 1 && above + histogram[threshold - 1]! <= GRAMS_PER_LABEL) {
    threshold -= 1;
    above += histogram[threshold]!;
  }
  let room = GRAMS_PER_LABEL - above;
  const chosen: number[] = [];
  for (const [i, count] of counts.entries()) {
    if (count < threshold && (count < threshold - 1 || room-- <= 0)) continue;
    chosen.push(i);
  }
  return Uint32Array.from(chosen);
}

/**
 * Counts n-grams per label. `texts` maps each label (`deu_Latn`) to the texts it is learnt from. The result depends
 * on the texts alone, not on the order of labels or texts.
 */
export function trainLanguageModel(texts: ReadonlyMap<string, readonly string[]>): LanguageModelCounts {
  const labels = [...texts.keys()].sort();
  // One key per entry: hash · 2^16 + label, exact in a double; the counts are looked up in the same ascending order.
  const keys: Float64Array[] = [];
  const tables: { grams: Uint32Array; counts: Uint16Array }[] = [];
  for (const [label, name] of labels.entries()) {
    const table = countGrams(texts.get(name)!);
    keys.push(Float64Array.from(mostFrequent(table.counts), (i) => table.grams[i]! * 65_536 + label));
    tables.push(table);
  }
  const entries = new Float64Array(keys.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of keys) {
    entries.set(part, at);
    at += part.length;
  }
  entries.sort();
  const grams: number[] = [];
  const offsets: number[] = [];
  const entryLabels = new Uint16Array(entries.length);
  const entryCounts = new Uint16Array(entries.length);
  const cursors = new Uint32Array(labels.length);
  for (let e = 0; e < entries.length; e++) {
    const gram = Math.floor(entries[e]! / 65_536);
    const label = entries[e]! % 65_536;
    if (grams.length === 0 || grams[grams.length - 1] !== gram) {
      grams.push(gram);
      offsets.push(e);
    }
    const table = tables[label]!;
    while (table.grams[cursors[label]!] !== gram) cursors[label]! += 1;
    entryLabels[e] = label;
    entryCounts[e] = table.counts[cursors[label]!]!;
  }
  offsets.push(entries.length);
  return {
    labels,
    grams: Uint32Array.from(grams),
    offsets: Uint32Array.from(offsets),
    entryLabels,
    entryCounts,
  };
}
