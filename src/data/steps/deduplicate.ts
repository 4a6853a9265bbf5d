/** @file Exact duplicates: of documents with the same normalised text, the first one stays. */

/** 128 bits of a SHA-256 tell texts apart: among 10¹² of them two are mistaken for one with a chance of 10⁻¹⁵. */
const HASH_WORDS = 4;
/** Those bits, and the number of the first document + 1; 0 = free. */
const SLOT_WORDS = HASH_WORDS + 1;
const FULL = 0.7;

/**
 * Remembers the hash of every kept document in some 30 to 60 bytes, so it must see all documents in one place and in
 * order.
 */
export class ExactDuplicates {
  #slots = new Uint32Array(1024 * SLOT_WORDS);
  #used = 0;
  readonly #hash = new Uint32Array(HASH_WORDS);

  /** The number of the document that had this hash first; `undefined` when it is new and now belongs to `number`. */
  firstOf(sha256: string, number: number): number | undefined {
    for (let i = 0; i < HASH_WORDS; i++) this.#hash[i] = Number.parseInt(sha256.slice(i * 8, i * 8 + 8), 16);
    const at = this.#find(this.#slots, this.#hash, 0);
    if (this.#slots[at + HASH_WORDS] !== 0) return this.#slots[at + HASH_WORDS]! - 1;
    this.#slots.set(this.#hash, at);
    this.#slots[at + HASH_WORDS] = number + 1;
    this.#used += 1;
    if (this.#used > (this.#slots.length / SLOT_WORDS) * FULL) this.#grow();
    return undefined;
  }

  /** Where the hash at `hash[from …]` stands in `slots`, or the free slot that it would take. */
  #find(slots: Uint32Array, hash: Uint32Array, from: number): number {
    const mask = slots.length / SLOT_WORDS - 1;
    for (let slot = hash[from]! & mask; ; slot = (slot + 1) & mask) {
      const at = slot * SLOT_WORDS;
      if (slots[at + HASH_WORDS] === 0) return at;
      let same = 0;
      while (same < HASH_WORDS && slots[at + same] === hash[from + same]) same += 1;
      if (same === HASH_WORDS) return at;
    }
  }

  #grow(): void {
    const old = this.#slots;
    const larger = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += SLOT_WORDS) {
      if (old[at + HASH_WORDS] === 0) continue;
      larger.set(old.subarray(at, at + SLOT_WORDS), this.#find(larger, old, at));
    }
    this.#slots = larger;
  }
}
