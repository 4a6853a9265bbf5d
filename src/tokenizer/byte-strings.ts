/**
 * @file A hash table from byte strings to dense indices, without a JavaScript object per entry: words are counted,
 * cached and looked up by their bytes.
 */
import { assert } from "../core/index.ts";

/** FNV-1a with a final mix, over `bytes[start … end)`. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ (hash >>> 13);
}

/** Entries are numbered 0, 1, 2 … in the order in which they were added. */
export class ByteStringTable {
  #slots: Int32Array;
  #hashes = new Int32Array(1024);
  /** Entry i is `arena[starts[i] … starts[i + 1])`. */
  #starts = new Float64Array(1025);
  #arena = new Uint8Array(16 * 1024);
  #size = 0;

  constructor(expected = 512) {
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * Math.max(expected, 8)))).fill(-1);
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of all entries together. */
  get bytes(): number {
    return this.#starts[this.#size]!;
  }

  /** The index of the byte string, or −1. `hash` is `hashBytes` of it. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
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
      while (i < length && arena[at + i] === bytes[start + i]) i += 1;
      if (i === length) return index;
    }
  }

  /** Adds a byte string that is not in the table and returns its index. */
  add(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const index = this.#size;
    const at = this.#starts[index]!;
    this.#reserve(index + 1, at + end - start);
    for (let i = start; i < end; i++) this.#arena[at + i - start] = bytes[i]!;
    this.#hashes[index] = hash;
    this.#starts[index + 1] = at + end - start;
    this.#size = index + 1;
    this.#place(index);
    return index;
  }

  /** A view of entry `index`, valid until the next `add` or `clear`. */
  entry(index: number): Uint8Array {
    assert(index >= 0 && index < this.#size, `byte string ${index} of ${this.#size}`);
    return this.#arena.subarray(this.#starts[index], this.#starts[index + 1]);
  }

  /** Forgets all entries and keeps the memory. */
  clear(): void {
    this.#slots.fill(-1);
    this.#size = 0;
  }

  #place(index: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hashes[index]! & mask;
    while (this.#slots[slot]! >= 0) slot = (slot + 1) & mask;
    this.#slots[slot] = index;
  }

  #reserve(entries: number, bytes: number): void {
    if (bytes > this.#arena.length) {
      const arena = new Uint8Array(Math.max(2 * this.#arena.length, bytes));
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
