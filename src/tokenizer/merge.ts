/**
 * @file Byte-pair merging, exactly: of all adjacent pairs that have a merge rule the one with the lowest rank is
 * joined, the leftmost of equals first, until none is left (Sennrich et al., 2016). Short pieces scan for the
 * lowest rank; long ones use a heap, so that a piece of n bytes costs O(n log n).
 */
import { PairTable } from "./pair-table.ts";

/** Merge rules in the order of their rank: rule i joins `left[i]` and `right[i]` to `joined[i]` (token ids). */
export interface MergeRules {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly joined: Int32Array;
}

/** Up to this many bytes a scan beats a heap. */
const SCAN_BYTES = 48;
const NO_RULE = 0x7fffffff;

export class Merger {
  readonly #tokenOfByte: Int32Array;
  readonly #pairs: PairTable;
  /** By index in `#pairs`. */
  readonly #ranks: Int32Array;
  readonly #joined: Int32Array;
  /** Rank of a pair of bytes, at 256 · left + right. */
  readonly #byteRanks: Int32Array;
  #tokens = new Int32Array(256);
  #rankAt = new Int32Array(256);
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  readonly #heap = new RankHeap();

  /** When two rules join the same pair the later one counts, as in Hugging Face's library. */
  constructor(tokenOfByte: Int32Array, rules: MergeRules) {
    this.#tokenOfByte = tokenOfByte;
    this.#pairs = new PairTable(rules.left.length);
    this.#ranks = new Int32Array(rules.left.length);
    this.#joined = new Int32Array(rules.left.length);
    for (let rank = 0; rank < rules.left.length; rank++) {
      const index = this.#pairs.findOrAdd(rules.left[rank]!, rules.right[rank]!);
      this.#ranks[index] = rank;
      this.#joined[index] = rules.joined[rank]!;
    }
    this.#byteRanks = new Int32Array(65536);
    for (let pair = 0; pair < 65536; pair++) {
      this.#byteRanks[pair] = this.#rankOf(tokenOfByte[pair >> 8]!, tokenOfByte[pair & 255]!);
    }
  }

  /** The token ids of `bytes[start … end)`, a view that is valid until the next call. */
  merge(bytes: Uint8Array, start: number, end: number): Int32Array {
    const length = end - start;
    if (length > this.#tokens.length) this.#grow(length);
    const tokens = this.#tokens;
    const rankAt = this.#rankAt;
    for (let i = 0; i < length; i++) tokens[i] = this.#tokenOfByte[bytes[start + i]!]!;
    for (let i = 0; i < length - 1; i++) {
      rankAt[i] = this.#byteRanks[(bytes[start + i]! << 8) | bytes[start + i + 1]!]!;
    }
    const count = length <= SCAN_BYTES ? this.#mergeByScan(length) : this.#mergeByHeap(length);
    const result = tokens.subarray(0, count);
    if (length > 1 << 16) this.#grow(256);
    return result;
  }

  #rankOf(left: number, right: number): number {
    const index = this.#pairs.find(left, right);
    return index < 0 ? NO_RULE : this.#ranks[index]!;
  }

  #mergeByScan(length: number): number {
    const tokens = this.#tokens;
    const rankAt = this.#rankAt;
    let count = length;
    for (;;) {
      let best = NO_RULE;
      let at = -1;
      for (let i = 0; i < count - 1; i++) {
        if (rankAt[i]! < best) {
          best = rankAt[i]!;
          at = i;
        }
      }
      if (at < 0) return count;
      tokens[at] = this.#joined[this.#pairs.find(tokens[at]!, tokens[at + 1]!)]!;
      count -= 1;
      for (let i = at + 1; i < count; i++) {
        tokens[i] = tokens[i + 1]!;
        rankAt[i - 1] = rankAt[i]!;
      }
      if (at > 0) rankAt[at - 1] = this.#rankOf(tokens[at - 1]!, tokens[at]!);
      if (at < count - 1) rankAt[at] = this.#rankOf(tokens[at]!, tokens[at + 1]!);
    }
  }

  /** Tokens stay where their first byte was, linked to their neighbours; the heap may hold outdated entries. */
  #mergeByHeap(length: number): number {
    const tokens = this.#tokens;
    const rankAt = this.#rankAt;
    if (this.#next.length < length) {
      this.#next = new Int32Array(this.#tokens.length);
      this.#previous = new Int32Array(this.#tokens.length);
    }
    const next = this.#next;
    const previous = this.#previous;
    const heap = this.#heap;
    rankAt[length - 1] = NO_RULE;
    for (let i = 0; i < length; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
      if (rankAt[i] !== NO_RULE) heap.append(rankAt[i]!, i);
    }
    heap.order();
    while (heap.pop()) {
      const at = heap.position;
      if (rankAt[at] !== heap.rank) continue;
      const right = next[at]!;
      tokens[at] = this.#joined[this.#pairs.find(tokens[at]!, tokens[right]!)]!;
      rankAt[right] = NO_RULE;
      const after = next[right]!;
      next[at] = after;
      rankAt[at] = NO_RULE;
      if (after < length) {
        previous[after] = at;
        rankAt[at] = this.#rankOf(tokens[at]!, tokens[after]!);
        if (rankAt[at] !== NO_RULE) heap.push(rankAt[at]!, at);
      }
      const before = previous[at]!;
      if (before >= 0) {
        rankAt[before] = this.#rankOf(tokens[before]!, tokens[at]!);
        if (rankAt[before] !== NO_RULE) heap.push(rankAt[before]!, before);
      }
    }
    let count = 0;
    for (let at = 0; at < length; at = next[at]!) tokens[count++] = tokens[at]!;
    return count;
  }

  #grow(length: number): void {
    this.#tokens = new Int32Array(length);
    this.#rankAt = new Int32Array(length);
    this.#next = new Int32Array(0);
    this.#previous = new Int32Array(0);
    this.#heap.release();
  }
}

/** A binary heap of (rank, position), the lowest rank first and the leftmost of equals, each in one float64. */
class RankHeap {
  rank = 0;
  position = 0;
  #keys = new Float64Array(256);
  #size = 0;

  /** Adds without keeping order; `order` must follow before `pop`. */
  append(rank: number, position: number): void {
    if (this.#size === this.#keys.length) {
      const keys = new Float64Array(2 * this.#keys.length);
      keys.set(this.#keys);
      this.#keys = keys;
    }
    this.#keys[this.#size++] = rank * 2 ** 32 + position;
  }

  order(): void {
    for (let i = (this.#size >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  push(rank: number, position: number): void {
    this.append(rank, position);
    const keys = this.#keys;
    let i = this.#size - 1;
    const key = keys[i]!;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[i] = keys[parent]!;
      i = parent;
    }
    keys[i] = key;
  }

  /** Takes the smallest entry into `rank` and `position`; false when the heap is empty. */
  pop(): boolean {
    if (this.#size === 0) return false;
    const key = this.#keys[0]!;
    this.rank = Math.floor(key / 2 ** 32);
    this.position = key - this.rank * 2 ** 32;
    this.#size -= 1;
    if (this.#size > 0) {
      this.#keys[0] = this.#keys[this.#size]!;
      this.#sink(0);
    }
    return true;
  }

  release(): void {
    this.#keys = new Float64Array(256);
  }

  #sink(start: number): void {
    const keys = this.#keys;
    const key = keys[start]!;
    let i = start;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && keys[child + 1]! < keys[child]!) child += 1;
      if (keys[child]! >= key) break;
      keys[i] = keys[child]!;
      i = child;
    }
    keys[i] = key;
  }
}
