/** @file Counting the pieces of texts, language by language: what byte-pair training needs to know of a corpus. */
import type { PieceBatch, PreTokenizer } from "./pretokenize.ts";
import { UnitStringTable } from "./unit-strings.ts";
import { utf8Length } from "./utf8-buffer.ts";

/** Distinct pieces and how often each occurs: piece i of `pieces` occurs `counts[i]` times. */
export interface CountedPieces {
  readonly pieces: UnitStringTable;
  /** Doubles, exact up to 2⁵³. */
  readonly counts: Float64Array;
}

/** What is trained on: one group of pieces, or one per language. */
export interface PieceCounts {
  readonly groups: readonly CountedPieces[];
  /** Distinct pieces left out because they were too many, the rarest first; 0 when training is exact. */
  readonly leftOut: number;
}

/** Pieces with counts that grow. */
export class PieceTally {
  readonly pieces = new UnitStringTable();
  #counts = new Float64Array(1024);
  /** UTF-8 bytes of all occurrences. */
  bytes = 0;

  get counts(): Float64Array {
    return this.#counts.subarray(0, this.pieces.size);
  }

  /** Counts `units[start … end)` `count` more times. */
  add(units: Uint16Array, start: number, end: number, hash: number, count: number): void {
    let index = this.pieces.find(units, start, end, hash);
    if (index < 0) {
      index = this.pieces.add(units, start, end, hash);
      if (index >= this.#counts.length) {
        const more = new Float64Array(2 * this.#counts.length);
        more.set(this.#counts);
        this.#counts = more;
      }
    }
    this.#counts[index]! += count;
  }
}

/** Counts pieces, apart by language. Memory: the distinct pieces. */
export class PieceCounter {
  readonly languages = new Map<string, PieceTally>();
  readonly #preTokenizer: PreTokenizer;
  #current = new PieceTally();

  constructor(preTokenizer: PreTokenizer) {
    this.#preTokenizer = preTokenizer;
  }

  /** Counts the pieces of `text` under `language` (the empty name when languages do not matter). */
  add(text: string, language = ""): void {
    let current = this.languages.get(language);
    if (current === undefined) {
      current = new PieceTally();
      this.languages.set(language, current);
    }
    this.#current = current;
    this.#preTokenizer.forEachBatch(text, this.#visit);
  }

  /** What was counted, one group per language in the order of their names. */
  total(): PieceCounts {
    const names = [...this.languages.keys()].sort();
    return { groups: names.map((name) => this.languages.get(name)!), leftOut: 0 };
  }

  readonly #visit = ({ units, start, ends, hashes, count }: PieceBatch): void => {
    const current = this.#current;
    let from = start;
    for (let i = 0; i < count; i++) {
      const end = ends[i]!;
      current.add(units, from, end, hashes[i]!, 1);
      from = end;
    }
    current.bytes += utf8Length(units, start, from);
  };
}
