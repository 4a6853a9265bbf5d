/**
 * @file What the rules of Gopher (Rae et al. 2021, §A.1.1) and FineWeb (Penedo et al. 2024, §3.6) look at, measured in
 * one go. FineWeb-2 (Penedo et al. 2025) keeps the rules and computes most values per language; so does this.
 */
import { wordsOf } from "./words.ts";

/** One rule: a document is dropped beyond its value. */
export interface QualityRule {
  /** The reason of a reject. */
  readonly name: string;
  readonly kind: "max" | "min";
  /** The value that was published for English. */
  readonly published: number;
  /** Between which values a learnt one may lie; a rule without them has the published value in every language. */
  readonly learnt?: readonly [number, number];
}

const max = (name: string, published: number): QualityRule => ({
  name,
  kind: "max",
  published,
  // German in FineWeb-2: 0.5 to 0.98 of the English values.
  learnt: [published / 2, published * 2],
});

/** Sizes of n-grams whose commonest one is weighed, and of those whose repetitions are. */
const TOP = [2, 3, 4];
const REPEATED = [5, 6, 7, 8, 9, 10];

/** In the order of the numbers that `measureQuality` gives. */
export const QUALITY_RULES: readonly QualityRule[] = [
  max("duplicate-lines", 0.3),
  max("top-2-grams", 0.2),
  max("top-3-grams", 0.18),
  max("top-4-grams", 0.16),
  max("repeated-5-grams", 0.15),
  max("repeated-6-grams", 0.14),
  max("repeated-7-grams", 0.13),
  max("repeated-8-grams", 0.12),
  max("repeated-9-grams", 0.11),
  max("repeated-10-grams", 0.1),
  { name: "duplicate-line-characters", kind: "max", published: 0.1 },
  max("line-breaks", 0.3),
  { name: "line-punctuation", kind: "min", published: 0.12, learnt: [0, 0.12] },
  { name: "alphabetic-words", kind: "min", published: 0.8, learnt: [0, 0.8] },
  // Scripts without spaces have "words" of any length.
  { name: "long-words", kind: "max", published: 10, learnt: [10, 1000] },
  { name: "short-words", kind: "min", published: 3, learnt: [0, 3] },
  { name: "hashes-and-ellipses", kind: "max", published: 0.1 },
  { name: "bullets", kind: "max", published: 0.9 },
  { name: "ellipsis-lines", kind: "max", published: 0.3 },
];

/** Counts of hashed n-grams, cleared in constant time. */
class GramCounts {
  #keys = new Int32Array(1 << 10);
  #counts = new Int32Array(1 << 10);
  #marks = new Int32Array(1 << 10);
  #mark = 0;

  /** Forgets everything and makes room for `grams` different ones. */
  clear(grams: number): void {
    if (this.#keys.length < grams * 2) {
      let size = this.#keys.length;
      while (size < grams * 2) size *= 2;
      this.#keys = new Int32Array(size);
      this.#counts = new Int32Array(size);
      this.#marks = new Int32Array(size);
      this.#mark = 0;
    }
    this.#mark += 1;
  }

  /** How often `key` has come, this time included. */
  add(key: number): number {
    const mask = this.#keys.length - 1;
    for (let slot = (key ^ (key >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      if (this.#marks[slot] !== this.#mark) {
        this.#marks[slot] = this.#mark;
        this.#keys[slot] = key;
        return (this.#counts[slot] = 1);
      }
      if (this.#keys[slot] === key) return (this.#counts[slot]! += 1);
    }
  }
}

const counts = new GramCounts();

function hashWord(word: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}

function gramHash(words: Int32Array, start: number, n: number): number {
  let hash = n;
  for (let i = start; i < start + n; i++) {
    hash = Math.imul((hash << 5) | (hash >>> 27), 0x9e3779b1) ^ words[i]!;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

/** Characters in the n-gram that repeats itself over the most of them. */
function topGram(words: Int32Array, ends: Int32Array, n: number): number {
  counts.clear(words.length);
  let most = 0;
  for (let start = 0; start + n <= words.length; start++) {
    const count = counts.add(gramHash(words, start, n));
    if (count > 1) most = Math.max(most, count * (ends[start + n]! - ends[start]!));
  }
  return most;
}

/** Characters in n-grams that came before; those counted do not overlap. */
function repeatedGrams(words: Int32Array, ends: Int32Array, n: number): number {
  counts.clear(words.length);
  let repeated = 0;
  for (let start = 0; start + n <= words.length; ) {
    if (counts.add(gramHash(words, start, n)) > 1) {
      repeated += ends[start + n]! - ends[start]!;
      start += n;
    } else start += 1;
  }
  return repeated;
}

/** Ends of sentences in the scripts that have signs for them; quotation marks and brackets may follow. */
const TERMINAL = /[.!?…。!?。؟।॥።၊။។៕՝։۔"'”’»)\]]$/u;
const BULLET = /^[•●▪■◦‣*-]/u;

/** What the lines of a text say: shares of lines, and characters in repeated ones. */
function measureLines(text: string): {
  readonly lines: number;
  readonly duplicates: number;
  readonly duplicateCharacters: number;
  readonly punctuated: number;
  readonly bullets: number;
  readonly ellipses: number;
} {
  const seen = new Set<string>();
  const sums = { lines: 0, duplicates: 0, duplicateCharacters: 0, punctuated: 0, bullets: 0, ellipses: 0 };
  for (const line of text.split("\n")) {
    const trimmed = line.trim();
    if (trimmed === "") continue;
    sums.lines += 1;
    if (seen.has(trimmed)) {
      sums.duplicates += 1;
      sums.duplicateCharacters += trimmed.length;
    } else seen.add(trimmed);
    if (TERMINAL.test(trimmed)) sums.punctuated += 1;
    if (BULLET.test(trimmed)) sums.bullets += 1;
    if (trimmed.endsWith("...") || trimmed.endsWith("…")) sums.ellipses += 1;
  }
  return sums;
}

/** A text under all rules. */
export interface Measured {
  readonly words: readonly string[];
  /** One number per rule, in the order of `QUALITY_RULES`. */
  readonly values: Float64Array;
}

/** Measures `text`; lengths are UTF-16 units, shares of characters are of those in words and lines. */
export function measureQuality(text: string): Measured {
  const words = wordsOf(text);
  const hashes = Int32Array.from(words, hashWord);
  const ends = new Int32Array(words.length + 1);
  let alphabetic = 0;
  for (let i = 0; i < words.length; i++) {
    ends[i + 1] = ends[i]! + words[i]!.length;
    if (/\p{L}/u.test(words[i]!)) alphabetic += 1;
  }
  const characters = Math.max(1, ends[words.length]!);
  const count = Math.max(1, words.length);
  const lines = measureLines(text);
  const lineCount = Math.max(1, lines.lines);
  const hashSigns = text.split("#").length - 1;
  const ellipses = text.match(/\.\.\.|…/g)?.length ?? 0;
  const values = Float64Array.from([
    lines.duplicates / lineCount,
    ...TOP.map((n) => topGram(hashes, ends, n) / characters),
    ...REPEATED.map((n) => repeatedGrams(hashes, ends, n) / characters),
    lines.duplicateCharacters / Math.max(1, text.length),
    (lines.lines - 1) / count,
    lines.punctuated / lineCount,
    alphabetic / count,
    characters / count,
    characters / count,
    Math.max(hashSigns, ellipses) / count,
    lines.bullets / lineCount,
    lines.ellipses / lineCount,
  ]);
  return { words, values };
}
