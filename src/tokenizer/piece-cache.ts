/**
 * @file The tokens of pieces seen lately, in a fixed number of slots: memory has a bound, and looking up touches one
 * place in memory. What is in the cache never changes a result.
 */

/** A slot: hash, length + 256 · number of tokens, the tokens, the units of the piece. */
const SLOT_WORDS = 16;
const HEADER_WORDS = 2;
export const MOST_CACHED_TOKENS = SLOT_WORDS - HEADER_WORDS;
const FEWEST_SLOTS = 1 << 9;
/** At its largest a cache takes 8 MiB. */
const MOST_SLOTS = 1 << 16;

export class PieceCache {
  /** Replaced when the cache grows. */
  words = new Int32Array(FEWEST_SLOTS * SLOT_WORDS);
  #units = new Uint16Array(this.words.buffer);
  #slots = FEWEST_SLOTS;
  #added = 0;

  /** The slot where the piece with this `hashUnits` is if it is here: its position in `words`. */
  candidate(hash: number): number {
    const first = (hash & (this.#slots - 1)) * SLOT_WORDS;
    return this.words[first] === hash ? first : first ^ SLOT_WORDS;
  }

  /** Whether the slot at `at` holds the piece; if so its tokens start at `words[at + 2]`. */
  holds(at: number, units: Uint16Array, start: number, end: number, hash: number): boolean {
    const { words } = this;
    const length = end - start;
    const sizes = words[at + 1]!;
    if (words[at] !== hash || (sizes & 255) !== length) return false;
    const own = this.#units;
    const key = 2 * (at + HEADER_WORDS + (sizes >> 8));
    for (let i = 0; i < length; i++) if (own[key + i] !== units[start + i]) return false;
    return true;
  }

  /** Remembers the tokens of a piece that is not here, if it is short enough. */
  add(units: Uint16Array, start: number, end: number, hash: number, tokens: Int32Array, count: number): void {
    const length = end - start;
    if (HEADER_WORDS + count + ((length + 1) >> 1) > SLOT_WORDS) return;
    if (this.#added === this.#slots && this.#slots < MOST_SLOTS) this.#grow();
    const at = this.#free(hash);
    const { words } = this;
    words[at] = hash;
    words[at + 1] = length | (count << 8);
    for (let i = 0; i < count; i++) words[at + HEADER_WORDS + i] = tokens[i]!;
    const key = 2 * (at + HEADER_WORDS + count);
    for (let i = 0; i < length; i++) this.#units[key + i] = units[start + i]!;
    this.#added += 1;
  }

  /** Empties the first slot of a hash; what was there moves to the second, whose content is forgotten. */
  #free(hash: number): number {
    const slot = hash & (this.#slots - 1);
    const at = slot * SLOT_WORDS;
    if (this.words[at + 1] !== 0) {
      const other = (slot ^ 1) * SLOT_WORDS;
      for (let i = 0; i < SLOT_WORDS; i++) this.words[other + i] = this.words[at + i]!;
    }
    return at;
  }

  #grow(): void {
    const old = this.words;
    this.#slots = 4 * this.#slots;
    this.words = new Int32Array(this.#slots * SLOT_WORDS);
    this.#units = new Uint16Array(this.words.buffer);
    for (let at = 0; at < old.length; at += SLOT_WORDS) {
      if (old[at + 1] !== 0) this.words.set(old.subarray(at, at + SLOT_WORDS), this.#free(old[at]!));
    }
  }
}
