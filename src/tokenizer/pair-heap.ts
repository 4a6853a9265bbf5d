/** @file Pairs by frequency. */
import type { PairCorpus } from "./pair-corpus.ts";

const NONE = -1;

/** An entry of the tally keeps the count it was entered with; one whose count fell is entered anew. */
export class PairHeap {
  readonly #corpus: PairCorpus;
  #entries = new Int32Array(1 << 8);
  #counts = new Float64Array(1 << 8);
  #size = 0;

  constructor(corpus: PairCorpus) {
    this.#corpus = corpus;
  }

  push(entry: number, count: number): void {
    if (this.#size === this.#entries.length) {
      const entries = new Int32Array(2 * this.#size);
      entries.set(this.#entries);
      this.#entries = entries;
      const counts = new Float64Array(2 * this.#size);
      counts.set(this.#counts);
      this.#counts = counts;
    }
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#precedes(entry, count, this.#entries[parent]!, this.#counts[parent]!)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#entries[at] = entry;
    this.#counts[at] = count;
  }

  /** The most frequent entry as things stand, or −1 when none occurs `minimum` times. */
  pop(minimum: number): number {
    while (this.#size > 0) {
      const entry = this.#entries[0]!;
      const entered = this.#counts[0]!;
      this.#removeFirst();
      const count = this.#corpus.tally.counts[entry]!;
      if (count === entered) return entry;
      if (count < entered && count >= minimum) this.push(entry, count);
    }
    return NONE;
  }

  #removeFirst(): void {
    this.#size -= 1;
    const entry = this.#entries[this.#size]!;
    const count = this.#counts[this.#size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      const other = child + 1;
      if (other < this.#size && this.#entryPrecedes(other, child)) child = other;
      if (!this.#precedes(this.#entries[child]!, this.#counts[child]!, entry, count)) break;
      this.#move(child, at);
      at = child;
    }
    this.#entries[at] = entry;
    this.#counts[at] = count;
  }

  #move(from: number, to: number): void {
    this.#entries[to] = this.#entries[from]!;
    this.#counts[to] = this.#counts[from]!;
  }

  #entryPrecedes(a: number, b: number): boolean {
    return this.#precedes(this.#entries[a]!, this.#counts[a]!, this.#entries[b]!, this.#counts[b]!);
  }

  #precedes(entry: number, count: number, otherEntry: number, otherCount: number): boolean {
    if (count !== otherCount) return count > otherCount;
    const corpus = this.#corpus;
    const pair = corpus.tally.pairOf(entry);
    const other = corpus.tally.pairOf(otherEntry);
    const left = corpus.leftOf(pair);
    const otherLeft = corpus.leftOf(other);
    return left !== otherLeft ? left < otherLeft : corpus.rightOf(pair) < corpus.rightOf(other);
  }
}
