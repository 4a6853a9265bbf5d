/** @file A hash table from pairs of token ids to dense indices, three 32-bit words per slot. */

const EMPTY = -1;
const STRIDE = 3;

/** Entries are numbered 0, 1, 2 … in the order in which they were added. */
export class PairTable {
  /** Slots of (left, right, index). */
  #slots: Int32Array;
  #mask: number;
  #size = 0;

  constructor(expected = 512) {
    const slots = 2 ** Math.ceil(Math.log2(2 * Math.max(expected, 8)));
    this.#slots = new Int32Array(STRIDE * slots).fill(EMPTY);
    this.#mask = slots - 1;
  }

  get size(): number {
    return this.#size;
  }

  /** The index of the pair, or −1. */
  find(left: number, right: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    for (let slot = hashPair(left, right) & mask; ; slot = (slot + 1) & mask) {
      const at = STRIDE * slot;
      const key = slots[at]!;
      if (key === left && slots[at + 1] === right) return slots[at + 2]!;
      if (key === EMPTY) return -1;
    }
  }

  /** The index of the pair; a new one is added with the next index. */
  findOrAdd(left: number, right: number): number {
    const found = this.find(left, right);
    if (found >= 0) return found;
    if (2 * (this.#size + 1) > this.#mask + 1) this.#grow();
    this.#put(left, right, this.#size);
    return this.#size++;
  }

  #put(left: number, right: number, index: number): void {
    let slot = hashPair(left, right) & this.#mask;
    while (this.#slots[STRIDE * slot] !== EMPTY) slot = (slot + 1) & this.#mask;
    this.#slots[STRIDE * slot] = left;
    this.#slots[STRIDE * slot + 1] = right;
    this.#slots[STRIDE * slot + 2] = index;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * old.length).fill(EMPTY);
    this.#mask = 2 * this.#mask + 1;
    for (let at = 0; at < old.length; at += STRIDE) {
      if (old[at] !== EMPTY) this.#put(old[at]!, old[at + 1]!, old[at + 2]!);
    }
  }
}

/** Spreads pairs of small integers over 32 bits. */
export function hashPair(left: number, right: number): number {
  const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return hash ^ (hash >>> 15);
}
