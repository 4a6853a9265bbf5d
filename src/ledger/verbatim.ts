/**
 * @file Which parts of a text stand word for word in which documents. Exact: every passage of `shortest` bytes or more that
 * begins and ends with whole words is found, and nothing is reported that does not stand there. After OLMoTrace (Liu et
 * al. 2025), which shows the longest such spans; there a suffix array answers, here one pass over the documents.
 */
import { assert } from "../core/index.ts";
import { eachGram, GRAM_BYTES } from "./grams.ts";

const BLOOM_BITS = 20;
/** Of a piece that the text itself repeats more often (a rule of dashes), the first places are compared. */
const MOST_REPEATS = 64;

const LETTER = /[\p{L}\p{M}\p{N}]/u;
/** Scripts that do not put spaces between words: any place between two characters may end a passage. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]/u;

/** A passage of the text, in bytes. */
interface Passage {
  readonly start: number;
  readonly end: number;
}

/** A longest passage, in UTF-16 units of the text, with the documents that hold it. */
export interface VerbatimSpan<Document> {
  readonly start: number;
  readonly end: number;
  /** How many documents hold it. */
  readonly count: number;
  /** The first of them, in the order in which they were read. */
  readonly documents: readonly Document[];
}

/** Collects the passages that one text shares with documents. */
export class VerbatimFinder<Document> {
  readonly #bytes: Uint8Array;
  readonly #shortest: number;
  readonly #keep: number;
  /** Places of the text by the hash of the gram that begins there. */
  readonly #places = new Map<number, number[]>();
  readonly #bloom = new Uint8Array(1 << BLOOM_BITS);
  /** By byte: whether a passage may begin or end before it. */
  readonly #boundary: Uint8Array;
  /** By byte: the place in the text, in UTF-16 units. */
  readonly #units: Uint32Array;
  readonly #found = new Map<string, { passage: Passage; count: number; documents: Document[] }>();

  /** @param shortest bytes of the shortest passage; at least 16 @param keep documents that a passage remembers */
  constructor(text: string, options: { readonly shortest: number; readonly keep: number }) {
    assert(options.shortest >= GRAM_BYTES, "passages have at least the length of a gram");
    this.#bytes = new TextEncoder().encode(text);
    this.#shortest = options.shortest;
    this.#keep = options.keep;
    this.#boundary = new Uint8Array(this.#bytes.length + 1);
    this.#units = new Uint32Array(this.#bytes.length + 1);
    this.#mark(text);
    eachGram(this.#bytes, (hash, start) => {
      const places = this.#places.get(hash);
      if (places === undefined) this.#places.set(hash, [start]);
      else if (places.length < MOST_REPEATS) places.push(start);
      this.#bloom[hash >>> (32 - BLOOM_BITS)] = 1;
    });
  }

  #mark(text: string): void {
    let byte = 0;
    let unit = 0;
    let before = "";
    for (const character of text) {
      const inWord =
        LETTER.test(before) && LETTER.test(character) && !(UNSPACED.test(before) || UNSPACED.test(character));
      this.#boundary[byte] = inWord ? 0 : 1;
      this.#units[byte] = unit;
      const code = character.codePointAt(0)!;
      byte += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      unit += character.length;
      before = character;
    }
    this.#boundary[byte] = 1;
    this.#units[byte] = unit;
  }

  /** Reads one document; `name` makes what is remembered of it, and is called only if it shares a passage. */
  add(document: Uint8Array, name: () => Document): void {
    const mine = this.#bytes;
    const passages = new Map<string, Passage>();
    /** Of each diagonal (place in the document minus place in the text), how far it has been compared. */
    const compared = new Map<number, number>();
    eachGram(document, (hash, at) => {
      if (this.#bloom[hash >>> (32 - BLOOM_BITS)] === 0) return;
      for (const start of this.#places.get(hash) ?? []) {
        const diagonal = at - start;
        if ((compared.get(diagonal) ?? 0) > at) continue;
        let from = start;
        let to = start;
        while (to < mine.length && document[to + diagonal] === mine[to]) to++;
        while (from > 0 && from + diagonal > 0 && document[from - 1 + diagonal] === mine[from - 1]) from--;
        compared.set(diagonal, to + diagonal);
        while (from < to && this.#boundary[from] === 0) from++;
        while (to > from && this.#boundary[to] === 0) to--;
        if (to - from >= this.#shortest) passages.set(`${from} ${to}`, { start: from, end: to });
      }
    });
    if (passages.size === 0) return;
    let named: Document | undefined;
    for (const [key, passage] of passages) {
      const known = this.#found.get(key) ?? { passage, count: 0, documents: [] };
      known.count += 1;
      if (known.documents.length < this.#keep) known.documents.push((named ??= name()));
      this.#found.set(key, known);
    }
  }

  /** The passages that are part of no longer one, in the order of the text. */
  spans(): VerbatimSpan<Document>[] {
    const sorted = [...this.#found.values()].sort(
      (a, b) => a.passage.start - b.passage.start || b.passage.end - a.passage.end,
    );
    const longest = [];
    let reached = -1;
    for (const found of sorted) {
      if (found.passage.end <= reached) continue;
      reached = found.passage.end;
      longest.push(found);
    }
    return longest.map(({ passage, count, documents }) => ({
      start: this.#units[passage.start]!,
      end: this.#units[passage.end]!,
      count,
      documents,
    }));
  }
}
