/**
 * @file Byte-pair merging, exactly: of all adjacent pairs that have a merge rule the one with the lowest rank is
 * joined, the leftmost of equals first, until none is left (Sennrich et al., 2016). Short pieces scan for the
 * lowest rank; long ones use a heap, so that a piece of n bytes costs O(n log n).
 */
import { hashPair } from "./pair-table.ts";

/** Merge rules in the order of their rank: rule i joins `left[i]` and `right[i]` to `joined[i]` (token ids). */
export interface MergeRules {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly joined: Int32Array;
}

/** Up to this many bytes a scan beats a heap. */
const SCAN_BYTES = 48;
const NO_RULE = 0x7fffffff;
/** Working memory for longer pieces is given back after each. */
const LONGEST_KEPT = 1 << 16;

/** Finds the rule for a pair of tokens. A slot holds left, right, rank and joined token, side by side in memory. */
class RuleTable {
  /** The rules, 4 words each; `NO_RULE` as left marks a free slot. */
  readonly words: Int32Array;
  readonly #mask: number;

  /** When two rules join the same pair the later one counts, as in Hugging Face's library. */
  constructor(rules: MergeRules) {
    const slots = 2 ** Math.ceil(Math.log2(2 * Math.max(rules.left.length, 8)));
    this.words = new Int32Array(4 * slots).fill(NO_RULE);
    this.#mask = slots - 1;
    for (let rank = 0; rank < rules.left.length; rank++) {
      const at = this.find(rules.left[rank]!, rules.right[rank]!);
      this.words[at] = rules.left[rank]!;
      this.words[at + 1] = rules.right[rank]!;
      this.words[at + 2] = rank;
      this.words[at + 3] = rules.joined[rank]!;
    }
  }

  /** Where the rule for the pair stands in `words`, or a free slot (whose rank reads `NO_RULE`). */
  find(left: number, right: number): number {
    const words = this.words;
    const mask = this.#mask;
    for (let slot = hashPair(left, right) & mask; ; slot = (slot + 1) & mask) {
      const at = 4 * slot;
      const key = words[at]!;
      if (key === NO_RULE || (key === left && words[at + 1] === right)) return at;
    }
  }
}

/** Merges the bytes of one piece after the other; keeps its working memory between calls. */
export class Merger {
  readonly #tokenOfByte: Int32Array;
  readonly #rules: RuleTable;
  /** For a pair of bytes at 256 · left + right: where its rule stands in the table. */
  readonly #byteRules: Int32Array;
  #tokens = new Int32Array(256);
  /** Rank of the rule for the pair that starts at each token, and the token it makes. */
  #rankAt = new Int32Array(256);
  #joinedAt = new Int32Array(256);
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  readonly #heap = new RankHeap();

  constructor(tokenOfByte: Int32Array, rules: MergeRules) {
    this.#tokenOfByte = tokenOfByte;
    this.#rules = new RuleTable(rules);
    this.#byteRules = new Int32Array(65536);
    for (let pair = 0; pair < 65536; pair++) {
      this.#byteRules[pair] = this.#rules.find(tokenOfByte[pair >> 8]!, tokenOfByte[pair & 255]!);
    }
  }

  /** The token ids of `bytes[start … end)`, a view that is valid until the next call. */
  merge(bytes: Uint8Array, start: number, end: number): Int32Array {
    const length = end - start;
    if (length > this.#tokens.length) this.#resize(length);
    const tokens = this.#tokens;
    const words = this.#rules.words;
    for (let i = 0; i < length; i++) tokens[i] = this.#tokenOfByte[bytes[start + i]!]!;
    for (let i = 0; i < length - 1; i++) {
      const rule = this.#byteRules[(bytes[start + i]! << 8) | bytes[start + i + 1]!]!;
      this.#rankAt[i] = words[rule + 2]!;
      this.#joinedAt[i] = words[rule + 3]!;
    }
    const count = length <= SCAN_BYTES ? this.#mergeByScan(length) : this.#mergeByHeap(length);
    const result = tokens.subarray(0, count);
    if (length > LONGEST_KEPT) this.#resize(256);
    return result;
  }

  #mergeByScan(length: number): number {
    const tokens = this.#tokens;
    const rankAt = this.#rankAt;
    const joinedAt = this.#joinedAt;
    const rules = this.#rules;
    const words = rules.words;
    let count = length;
    for (;;) {
      let best = NO_RULE;
      let at = -1;
      for (let i = 0; i < count - 1; i++) {
        const rank = rankAt[i]!;
        if (rank < best) {
          best = rank;
          at = i;
        }
      }
      if (at < 0) return count;
      tokens[at] = joinedAt[at]!;
      count -= 1;
      for (let i = at + 1; i < count; i++) {
        tokens[i] = tokens[i + 1]!;
        rankAt[i - 1] = rankAt[i]!;
        joinedAt[i - 1] = joinedAt[i]!;
      }
      for (let i = Math.max(at - 1, 0); i <= at && i < count - 1; i++) {
        const rule = rules.find(tokens[i]!, tokens[i + 1]!);
        rankAt[i] = words[rule + 2]!;
        joinedAt[i] = words[rule + 3]!;
      }
    }
  }

  /** Tokens stay where their first byte was, linked to their neighbours; the heap may hold outdated entries. */
  #mergeByHeap(length: number): number {
    const tokens = this.#tokens;
    const rankAt = this.#rankAt;
    if (this.#next.length < length) {
      this.#next = new Int32Array(tokens.length);
      this.#previous = new Int32Array(tokens.length);
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
      const after = next[right]!;
      tokens[at] = this.#joinedAt[at]!;
      next[at] = after;
      rankAt[right] = NO_RULE;
      rankAt[at] = NO_RULE;
      if (after < length) {
        previous[after] = at;
        this.#enterPair(at, after);
      }
      if (previous[at]! >= 0) this.#enterPair(previous[at]!, at);
    }
    let count = 0;
    for (let at = 0; at < length; at = next[at]!) tokens[count++] = tokens[at]!;
    return count;
  }

  #enterPair(left: number, right: number): void {
    const rule = this.#rules.find(this.#tokens[left]!, this.#tokens[right]!);
    const rank = this.#rules.words[rule + 2]!;
    this.#rankAt[left] = rank;
    this.#joinedAt[left] = this.#rules.words[rule + 3]!;
    if (rank !== NO_RULE) this.#heap.push(rank, left);
  }

  #resize(length: number): void {
    this.#tokens = new Int32Array(length);
    this.#rankAt = new Int32Array(length);
    this.#joinedAt = new Int32Array(length);
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
