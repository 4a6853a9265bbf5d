/** @file Counting the pieces of a corpus: what byte-pair training needs to know of it. */
import { ByteStringTable, hashBytes } from "./byte-strings.ts";
import type { PreTokenizer } from "./pretokenize.ts";

/** Distinct pieces and how often each occurs (piece i of `pieces` occurs `counts[i]` times). */
export interface PieceCounts {
  readonly pieces: ByteStringTable;
  /** Doubles, exact up to 2⁵³. */
  readonly counts: Float64Array;
}

/** Weights are multiples of 2⁻¹⁰, so that sums of them are exact in any order. */
const WEIGHT_STEPS = 1024;

/** Counts pieces, apart by language when languages are to be weighted. Memory: the distinct pieces. */
export class PieceCounter {
  readonly #preTokenizer: PreTokenizer;
  readonly #byLanguage = new Map<
    string,
    { pieces: ByteStringTable; counts: Float64Array<ArrayBuffer>; bytes: number }
  >();
  #current: { pieces: ByteStringTable; counts: Float64Array<ArrayBuffer>; bytes: number } | undefined;

  constructor(preTokenizer: PreTokenizer) {
    this.#preTokenizer = preTokenizer;
  }

  /** Counts the pieces of `text` under `language` (the empty name when languages do not matter). */
  add(text: string, language = ""): void {
    let current = this.#byLanguage.get(language);
    if (current === undefined) {
      current = { pieces: new ByteStringTable(), counts: new Float64Array(1024), bytes: 0 };
      this.#byLanguage.set(language, current);
    }
    this.#current = current;
    this.#preTokenizer.forEachPiece(text, this.#visit);
  }

  /**
   * The counts of all languages together. Language l with n_l bytes gets weight in proportion to
   * n_l^`temperature` instead of n_l: 1 takes the corpus as it is, 0 gives every language the same say. The
   * weights keep the corpus' total.
   */
  total(temperature = 1): PieceCounts {
    const languages = [...this.#byLanguage.keys()].sort();
    const sizes = languages.map((language) => this.#byLanguage.get(language)!.bytes);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const powers = sizes.map((size) => size ** temperature);
    const scale = bytes / powers.reduce((sum, power) => sum + power, 0);
    const pieces = new ByteStringTable();
    let counts = new Float64Array(1024);
    for (const [i, language] of languages.entries()) {
      const own = this.#byLanguage.get(language)!;
      const weight = temperature === 1 ? 1 : (powers[i]! * scale) / sizes[i]!;
      for (let index = 0; index < own.pieces.size; index++) {
        const at = findOrAdd(pieces, own.pieces.entry(index));
        if (at >= counts.length) counts = doubled(counts);
        counts[at]! += Math.round(own.counts[index]! * weight * WEIGHT_STEPS) / WEIGHT_STEPS;
      }
    }
    return { pieces, counts: counts.subarray(0, pieces.size) };
  }

  readonly #visit = (bytes: Uint8Array, start: number, end: number): void => {
    const current = this.#current!;
    const hash = hashBytes(bytes, start, end);
    let index = current.pieces.find(bytes, start, end, hash);
    if (index < 0) {
      index = current.pieces.add(bytes, start, end, hash);
      if (index >= current.counts.length) current.counts = doubled(current.counts);
    }
    current.counts[index]! += 1;
    current.bytes += end - start;
  };
}

function findOrAdd(table: ByteStringTable, bytes: Uint8Array): number {
  const hash = hashBytes(bytes, 0, bytes.length);
  const found = table.find(bytes, 0, bytes.length, hash);
  return found >= 0 ? found : table.add(bytes, 0, bytes.length, hash);
}

function doubled(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const more = new Float64Array(2 * values.length);
  more.set(values);
  return more;
}
