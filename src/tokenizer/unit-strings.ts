/**
 * @file A hash table from strings of UTF-16 code units to dense indices, without a JavaScript object per entry:
 * pieces are counted and looked up in buffers.
 */
import { assert } from "../core/index.ts";

/** The hash of no units; `hashUnit` adds one after the other. */
export const EMPTY_HASH = 0x811c9dc5 | 0;
const PRIME = 0x01000193;

/** FNV-1a over units instead of bytes. Call `finishHash` at the end. */
export function hashUnit(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, PRIME);
}

/** Spreads what the last units changed over all bits. */
export function finishHash(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ (hash >>> 13);
}

/** The hash of `units[start … end)`. */
export function hashUnits(units: Uint16Array, start: number, end: number): number {
  let hash = EMPTY_HASH;
  for (let i = start; i < end; i++) hash = hashUnit(hash, units[i]!);
  return finishHash(hash);
}

/** Entries are numbered 0, 1, 2 … in the order in which they were added. */
export class UnitStringTable {
  #slots: Int32Array;
  #hashes = new Int32Array(1024);
  /** Entry i is `arena[starts[i] … starts[i + 1])`. */
  #starts = new Float64Array(1025);
  #arena = new Uint16Array(16 * 1024);
  #size = 0;

  constructor(expected = 512) {
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * Math.max(expected, 8)))).fill(-1);
  }

  get size(): number {
    return this.#size;
  }

  /** Units of all entries together. */
  get units(): number {
    return this.#starts[this.#size]!;
  }

  /** The index of the string, or −1. `hash` is `hashUnits` of it. */
  find(units: Uint16Array, start: number, end: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const starts = this.#starts;
    const arena = this.#arena;
    const length = end - start;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const index = slots[slot]!;
      if (index < 0) return -1;
      if (this.#hashes[index] !== hash) continue;
      const at = starts[index]!;
      if (starts[index + 1]! - at !== length) continue;
      let i = 0;
      while (i < length && arena[at + i] === units[start + i]) i += 1;
      if (i === length) return index;
    }
  }

  /** Adds a string that is not in the table and returns its index. */
  add(units: Uint16Array, start: number, end: number, hash: number): number {
    const index = this.#size;
    const at = this.#starts[index]!;
    this.#reserve(index + 1, at + end - start);
    for (let i = start; i < end; i++) this.#arena[at + i - start] = units[i]!;
    this.#hashes[index] = hash;
    this.#starts[index + 1] = at + end - start;
    this.#size = index + 1;
    this.#place(index);
    return index;
  }

  /** A view of entry `index`, valid until the next `add`. */
  entry(index: number): Uint16Array {
    assert(index >= 0 && index < this.#size, `string ${index} of ${this.#size}`);
    return this.#arena.subarray(this.#starts[index], this.#starts[index + 1]);
  }

  /** The hash of entry `index`. */
  hashOf(index: number): number {
    return this.#hashes[index]!;
  }

  #place(index: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hashes[index]! & mask;
    while (this.#slots[slot]! >= 0) slot = (slot + 1) & mask;
    this.#slots[slot] = index;
  }

  #reserve(entries: number, units: number): void {
    if (units > this.#arena.length) {
      const arena = new Uint16Array(Math.max(2 * this.#arena.length, units));
      arena.set(this.#arena);
      this.#arena = arena;
    }
    if (entries > this.#hashes.length) {
      const hashes = new Int32Array(2 * this.#hashes.length);
      hashes.set(this.#hashes);
      this.#hashes = hashes;
      const starts = new Float64Array(2 * this.#hashes.length + 1);
      starts.set(this.#starts);
      this.#starts = starts;
    }
    if (2 * entries > this.#slots.length) {
      this.#slots = new Int32Array(2 * this.#slots.length).fill(-1);
      for (let index = 0; index < this.#size; index++) this.#place(index);
    }
  }
}
