/**
 * @file The tokens of pieces seen lately. Memory is fixed: two places per hash, and everything is forgotten when
 * the arenas are full. What is in the cache never changes a result.
 */

/** Longer pieces hardly ever come back. */
export const LONGEST_CACHED_PIECE = 64;

const SLOTS = 1 << 16;
const ENTRIES = 1 << 16;
const KEY_BYTES = 1 << 20;
const TOKENS = 1 << 18;
/** Int32 words per entry: hash, start of the key, its length, start of the tokens, their count. */
const STRIDE = 5;

export class PieceCache {
  readonly #slots = new Int32Array(SLOTS).fill(-1);
  readonly #entries = new Int32Array(STRIDE * ENTRIES);
  readonly #keys = new Uint8Array(KEY_BYTES);
  #size = 0;
  #keyBytes = 0;
  #tokenCount = 0;
  /** The tokens of entry e are `tokens[tokenStart(e) … + tokenCount(e))`. */
  readonly tokens = new Int32Array(TOKENS);

  /** The entry for the piece, or −1. `hash` is `hashBytes` of it. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const slot = hash & (SLOTS - 1);
    const entry = this.#slots[slot]!;
    if (this.#matches(entry, bytes, start, end, hash)) return entry;
    const other = this.#slots[slot ^ 1]!;
    if (this.#matches(other, bytes, start, end, hash)) return other;
    return -1;
  }

  tokenStart(entry: number): number {
    return this.#entries[STRIDE * entry + 3]!;
  }

  tokenCount(entry: number): number {
    return this.#entries[STRIDE * entry + 4]!;
  }

  /** Remembers the tokens of a piece that `find` did not find. */
  add(bytes: Uint8Array, start: number, end: number, hash: number, tokens: Int32Array): void {
    const length = end - start;
    if (
      this.#size === ENTRIES ||
      this.#keyBytes + length > KEY_BYTES ||
      this.#tokenCount + tokens.length > TOKENS
    ) {
      this.#clear();
    }
    const at = STRIDE * this.#size;
    this.#entries[at] = hash;
    this.#entries[at + 1] = this.#keyBytes;
    this.#entries[at + 2] = length;
    this.#entries[at + 3] = this.#tokenCount;
    this.#entries[at + 4] = tokens.length;
    for (let i = 0; i < length; i++) this.#keys[this.#keyBytes + i] = bytes[start + i]!;
    for (let i = 0; i < tokens.length; i++) this.tokens[this.#tokenCount + i] = tokens[i]!;
    const slot = hash & (SLOTS - 1);
    if (this.#slots[slot]! >= 0) this.#slots[slot ^ 1] = this.#slots[slot]!;
    this.#slots[slot] = this.#size;
    this.#size += 1;
    this.#keyBytes += length;
    this.#tokenCount += tokens.length;
  }

  #matches(entry: number, bytes: Uint8Array, start: number, end: number, hash: number): boolean {
    if (entry < 0) return false;
    const at = STRIDE * entry;
    const length = end - start;
    if (this.#entries[at] !== hash || this.#entries[at + 2] !== length) return false;
    const key = this.#entries[at + 1]!;
    for (let i = 0; i < length; i++) if (this.#keys[key + i] !== bytes[start + i]) return false;
    return true;
  }

  #clear(): void {
    this.#slots.fill(-1);
    this.#size = 0;
    this.#keyBytes = 0;
    this.#tokenCount = 0;
  }
}
