/** @file Merge rules, and finding the rule for a pair of tokens. */
import { hashPair } from "./pair-table.ts";

/** Merge rules in the order of their rank: rule i joins `left[i]` and `right[i]` to `joined[i]` (token ids). */
export interface MergeRules {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly joined: Int32Array;
}

/** The rank of a pair without a rule: later than all others. */
export const NO_RULE = 0x7fffffff;

const FILTER_BITS_PER_SLOT = 4;

/** A slot holds left, right and rank, side by side in memory. */
export class RuleTable {
  /** The rules, 4 words each; `NO_RULE` as left marks a free slot. */
  readonly #words: Int32Array;
  readonly #mask: number;
  /** A bit per hash: most pairs that are asked for have no rule, and the bit says so without a look at the slots. */
  readonly #filter: Int32Array;

  /** An empty table with room for `rules` rules. */
  constructor(rules: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * Math.max(rules, 8)));
    this.#words = new Int32Array(4 * slots).fill(NO_RULE);
    this.#mask = slots - 1;
    this.#filter = new Int32Array((slots * FILTER_BITS_PER_SLOT) / 32);
  }

  /** When two rules join the same pair the later one counts, as in Hugging Face's library. */
  static of(rules: MergeRules): RuleTable {
    const table = new RuleTable(rules.left.length);
    for (let rank = 0; rank < rules.left.length; rank++) {
      table.set(rules.left[rank]!, rules.right[rank]!, rank);
    }
    return table;
  }

  set(left: number, right: number, rank: number): void {
    const hash = hashPair(left, right);
    this.#filter[(hash >>> 5) & (this.#filter.length - 1)]! |= 1 << hash;
    const at = this.#find(hash, left, right);
    this.#words[at] = left;
    this.#words[at + 1] = right;
    this.#words[at + 2] = rank;
  }

  /** The rank of the rule for the pair, or `NO_RULE`. */
  rank(left: number, right: number): number {
    const hash = hashPair(left, right);
    const filter = this.#filter;
    if (((filter[(hash >>> 5) & (filter.length - 1)]! >>> hash) & 1) === 0) return NO_RULE;
    return this.#words[this.#find(hash, left, right) + 2]!;
  }

  #find(hash: number, left: number, right: number): number {
    const words = this.#words;
    const mask = this.#mask;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const at = 4 * slot;
      const key = words[at]!;
      if (key === NO_RULE || (key === left && words[at + 1] === right)) return at;
    }
  }
}
