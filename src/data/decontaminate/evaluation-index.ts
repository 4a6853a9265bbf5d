/**
 * @file Evaluation items behind an index of their n-grams, in flat arrays that threads share. The n-grams only say which
 * items are worth comparing; the comparison decides.
 */
import { type IndexedSequence, indexSequence, matchedTokens } from "./matching-blocks.ts";

/** When a document counts as contaminated; Apertus' values are 8, 5 and 0.5 (technical report §4.1.2). */
export interface ContaminationRule {
  /** A shared run of this many tokens makes an item worth comparing … */
  readonly ngram: number;
  /** … matching blocks of at least this many tokens are added up … */
  readonly minBlock: number;
  /** … and the document goes when they are at least this share of the item. */
  readonly minShare: number;
}

/** Items of evaluation sets; plain data. */
export interface EvaluationItems {
  readonly rule: ContaminationRule;
  /** Tokens of all items, one after the other: item i is tokens[offsets[i] … offsets[i + 1]). */
  readonly tokens: Int32Array;
  readonly offsets: Int32Array;
  /** Items up to `ends[s]` belong to set s or an earlier one. */
  readonly sets: readonly { readonly name: string; readonly end: number }[];
  /** Per item, its row in its set, counted from 1. */
  readonly rows: Int32Array;
  /** Open addressing: an n-gram's hash and its first entry + 1; 0 = free. */
  readonly slots: Int32Array;
  /** Per entry: an item that has the n-gram, and the next entry + 1. */
  readonly entries: Int32Array;
}

function shared(words: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(words * 4));
}

/** The hash of the n-gram that begins at `start`; never 0. */
function gramHash(tokens: Int32Array, start: number, n: number): number {
  let hash = n;
  for (let i = start; i < start + n; i++)
    hash = Math.imul((hash << 7) | (hash >>> 25), 0x9e3779b1) ^ tokens[i]!;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) | 1;
}

/** Where the entry list of `hash` begins (its slot, or the free one it would take). */
function slotOf(slots: Int32Array, hash: number): number {
  const mask = slots.length / 2 - 1;
  for (let slot = (hash >>> 1) & mask; ; slot = (slot + 1) & mask) {
    if (slots[slot * 2 + 1] === 0 || slots[slot * 2] === hash) return slot * 2;
  }
}

/** Puts items into an index; those shorter than an n-gram can never be found and should not come here. */
export function indexItems(
  items: readonly { readonly tokens: Int32Array; readonly row: number }[],
  sets: EvaluationItems["sets"],
  rule: ContaminationRule,
): EvaluationItems {
  const offsets = shared(items.length + 1);
  for (const [i, item] of items.entries()) offsets[i + 1] = offsets[i]! + item.tokens.length;
  const tokens = shared(offsets[items.length]!);
  const rows = shared(items.length);
  for (const [i, item] of items.entries()) {
    tokens.set(item.tokens, offsets[i]);
    rows[i] = item.row;
  }
  let size = 16;
  while (size < tokens.length * 2) size *= 2;
  const slots = shared(size * 2);
  const entries = shared(Math.max(1, tokens.length) * 2);
  let used = 0;
  for (let item = 0; item < items.length; item++) {
    for (let at = offsets[item]!; at + rule.ngram <= offsets[item + 1]!; at++) {
      const hash = gramHash(tokens, at, rule.ngram);
      const slot = slotOf(slots, hash);
      const first = slots[slot + 1]!;
      if (first !== 0 && entries[(first - 1) * 2] === item) continue;
      slots[slot] = hash;
      entries[used * 2] = item;
      entries[used * 2 + 1] = first;
      used += 1;
      slots[slot + 1] = used;
    }
  }
  return { rule, tokens, offsets, sets, rows, slots, entries: entries.subarray(0, used * 2) };
}

/** What was found of an evaluation set in a document. */
export interface Contamination {
  readonly set: string;
  readonly row: number;
  /** Tokens of the item, and how many of them the document has. */
  readonly tokens: number;
  readonly matched: number;
}

/** Places of each item's n-grams in a document. */
function hitsByItem(document: Int32Array, { rule, slots, entries }: EvaluationItems): Map<number, number[]> {
  const hits = new Map<number, number[]>();
  for (let at = 0; at + rule.ngram <= document.length; at++) {
    const slot = slotOf(slots, gramHash(document, at, rule.ngram));
    for (let entry = slots[slot + 1]!; entry !== 0; entry = entries[entry * 2 - 1]!) {
      const item = entries[entry * 2 - 2]!;
      const places = hits.get(item);
      if (places === undefined) hits.set(item, [at]);
      else places.push(at);
    }
  }
  return hits;
}

/** Whether enough of the item's tokens are in `window`, in whatever order: cheap, and no contamination without it. */
function couldMatch(window: Int32Array, item: IndexedSequence, needed: number): boolean {
  const left = new Map([...item.places].map(([token, places]) => [token, places.length]));
  let found = 0;
  for (let i = 0; i < window.length && found < needed; i++) {
    const count = left.get(window[i]!) ?? 0;
    if (count === 0) continue;
    left.set(window[i]!, count - 1);
    found += 1;
  }
  return found >= needed;
}

/**
 * The first item (by number) that is in `document`, looked for within its own length around the n-grams that they
 * share: in a long document, blocks far from each other are no copy.
 */
export function findContamination(document: Int32Array, items: EvaluationItems): Contamination | undefined {
  const { rule, tokens, offsets, sets, rows } = items;
  const hits = hitsByItem(document, items);
  for (const item of [...hits.keys()].sort((a, b) => a - b)) {
    const own = tokens.subarray(offsets[item], offsets[item + 1]);
    const sequence = indexSequence(own);
    const needed = Math.ceil(own.length * rule.minShare);
    let until = -1;
    for (const place of hits.get(item)!) {
      if (place <= until) continue;
      until = place + own.length;
      const window = document.subarray(Math.max(0, place - own.length), until + own.length);
      if (!couldMatch(window, sequence, needed)) continue;
      const { matched, longest } = matchedTokens(window, sequence, rule.minBlock);
      if (matched < needed || longest < rule.ngram) continue;
      const set = sets.find(({ end }) => item < end)!;
      return { set: set.name, row: rows[item]!, tokens: own.length, matched };
    }
  }
  return undefined;
}
