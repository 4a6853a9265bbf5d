/**
 * @file Byte-pair merging, exactly: of all adjacent pairs that have a merge rule the one with the lowest rank is
 * joined, the leftmost of equals first, until none is left (Sennrich et al., 2016). Short pieces scan for the
 * lowest rank; long ones use a heap, so that a piece of n bytes costs O(n log n).
 */
import { type MergeRules, NO_RULE, RuleTable } from "./rule-table.ts";

/** Up to this many bytes a scan beats a heap. */
const SCAN_BYTES = 48;
/** Working memory for longer pieces is given back after each. */
const LONGEST_KEPT = 1 << 16;

/** Merges the bytes of one piece after the other; keeps its working memory between calls. */
export class Merger {
  /** The result of the latest `merge`, from the start; what is behind it means nothing. */
  tokens = new Int32Array(256);
  readonly #tokenOfByte: Int32Array;
  readonly #rules: RuleTable;
  /** The token that each rule makes. */
  readonly #joined: Int32Array;
  /** For a pair of bytes at 256 · left + right: the rank of its rule. */
  readonly #byteRanks: Int32Array;
  /** Rank of the rule for the pair that starts at each token. */
  #rankAt = new Int32Array(256);
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  readonly #heap = new RankHeap();

  constructor(tokenOfByte: Int32Array, rules: MergeRules) {
    this.#tokenOfByte = tokenOfByte;
    this.#rules = RuleTable.of(rules);
    this.#joined = rules.joined;
    this.#byteRanks = new Int32Array(65536);
    for (let pair = 0; pair < 65536; pair++) {
      this.#byteRanks[pair] = this.#rules.rank(tokenOfByte[pair >> 8]!, tokenOfByte[pair & 255]!);
    }
  }

  /** Merges `bytes[0 … length)` into `tokens` and returns how many tokens there are. */
  merge(bytes: Uint8Array, length: number): number {
    if (length > this.tokens.length) this.#resize(length);
    const { tokens } = this;
    const rankAt = this.#rankAt;
    for (let i = 0; i < length; i++) tokens[i] = this.#tokenOfByte[bytes[i]!]!;
    for (let i = 0; i < length - 1; i++) rankAt[i] = this.#byteRanks[(bytes[i]! << 8) | bytes[i + 1]!]!;
    return length <= SCAN_BYTES ? this.#mergeByScan(length) : this.#mergeByHeap(length);
  }

  /** Gives back what a very long piece took; `tokens` is lost then. */
  release(): void {
    if (this.tokens.length > LONGEST_KEPT) this.#resize(256);
  }

  #mergeByScan(length: number): number {
    const { tokens } = this;
    const rankAt = this.#rankAt;
    const joined = this.#joined;
    const rules = this.#rules;
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
      const token = joined[best]!;
      tokens[at] = token;
      count -= 1;
      for (let i = at + 1; i < count; i++) {
        tokens[i] = tokens[i + 1]!;
        rankAt[i - 1] = rankAt[i]!;
      }
      if (at > 0) rankAt[at - 1] = rules.rank(tokens[at - 1]!, token);
      if (at < count - 1) rankAt[at] = rules.rank(token, tokens[at + 1]!);
    }
  }

  /** Tokens stay where their first byte was, linked to their neighbours; the heap may hold outdated entries. */
  #mergeByHeap(length: number): number {
    const { tokens } = this;
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
      tokens[at] = this.#joined[heap.rank]!;
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
    const rank = this.#rules.rank(this.tokens[left]!, this.tokens[right]!);
    this.#rankAt[left] = rank;
    if (rank !== NO_RULE) this.#heap.push(rank, left);
  }

  #resize(length: number): void {
    this.tokens = new Int32Array(length);
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
