/**
 * @file The tokens of pieces seen lately. Memory has a bound: two places per hash, and everything is forgotten when
 * the largest size is full. What is in the cache never changes a result.
 */

/** Longer pieces hardly ever come back. */
export const LONGEST_CACHED_PIECE = 64;

const SMALLEST_WORDS = 1 << 15;
/** At its largest a cache takes 9 MiB. */
const LARGEST_WORDS = 1 << 21;
const WORDS_PER_SLOT = 8;

export class PieceCache {
  /**
   * Records of (hash, length + 256 · number of tokens, the tokens, the bytes of the piece): all that a look-up
   * needs lies side by side, since the time goes into waiting for memory. Replaced when the cache grows.
   */
  words = new Int32Array(SMALLEST_WORDS);
  #bytes = new Uint8Array(this.words.buffer);
  #used = 0;
  /** Record of each hash, or −1. */
  #slots = new Int32Array(SMALLEST_WORDS / WORDS_PER_SLOT).fill(-1);

  /** Where the record of the piece starts in `words`, or −1. `hash` is `hashBytes` of it. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const slot = hash & (this.#slots.length - 1);
    const record = this.#slots[slot]!;
    if (record < 0) return -1;
    if (this.#matches(record, bytes, start, end, hash)) return record;
    const other = this.#slots[slot ^ 1]!;
    return other >= 0 && this.#matches(other, bytes, start, end, hash) ? other : -1;
  }

  /** Number of tokens of a record; they follow from `words[record + 2]` on. */
  tokenCount(record: number): number {
    return this.words[record + 1]! >> 8;
  }

  /** Remembers the tokens of a piece that `find` did not find. */
  add(bytes: Uint8Array, start: number, end: number, hash: number, tokens: Int32Array): void {
    const length = end - start;
    const size = 2 + tokens.length + ((length + 3) >> 2);
    if (this.#used + size > this.words.length) this.#makeRoom();
    const record = this.#used;
    this.words[record] = hash;
    this.words[record + 1] = length | (tokens.length << 8);
    for (let i = 0; i < tokens.length; i++) this.words[record + 2 + i] = tokens[i]!;
    const key = 4 * (record + 2 + tokens.length);
    for (let i = 0; i < length; i++) this.#bytes[key + i] = bytes[start + i]!;
    this.#used += size;
    this.#place(record);
  }

  #matches(record: number, bytes: Uint8Array, start: number, end: number, hash: number): boolean {
    const words = this.words;
    const length = end - start;
    if (words[record] !== hash) return false;
    const sizes = words[record + 1]!;
    if ((sizes & 255) !== length) return false;
    const key = 4 * (record + 2 + (sizes >> 8));
    for (let i = 0; i < length; i++) if (this.#bytes[key + i] !== bytes[start + i]) return false;
    return true;
  }

  /** Puts a record first in its two places; the older of two others is forgotten. */
  #place(record: number): void {
    const slot = this.words[record]! & (this.#slots.length - 1);
    if (this.#slots[slot]! >= 0) this.#slots[slot ^ 1] = this.#slots[slot]!;
    this.#slots[slot] = record;
  }

  #makeRoom(): void {
    if (this.words.length === LARGEST_WORDS) {
      this.#slots.fill(-1);
      this.#used = 0;
      return;
    }
    const old = this.words;
    this.words = new Int32Array(4 * old.length);
    this.words.set(old);
    this.#bytes = new Uint8Array(this.words.buffer);
    this.#slots = new Int32Array(this.words.length / WORDS_PER_SLOT).fill(-1);
    for (let record = 0; record < this.#used; ) {
      this.#place(record);
      const sizes = this.words[record + 1]!;
      record += 2 + (sizes >> 8) + (((sizes & 255) + 3) >> 2);
    }
  }
}
