/** @file How often each pair occurs, in each group of pieces. */
import { PairTable } from "./pair-table.ts";

/** Counts are kept in entries: one per pair and group; with one group an entry is the pair itself. */
export class PairTally {
  readonly groups: number;
  /** By entry. */
  counts = new Float64Array(1 << 12);
  /** Entries whose count rose in this round. */
  raised: number[] = [];
  readonly #entries: PairTable | undefined;
  #pairs = new Int32Array(0);
  #groupOf = new Int32Array(0);
  #raisedIn = new Int32Array(1 << 12);
  #round = 0;
  #size = 0;

  constructor(groups: number) {
    this.groups = groups;
    if (groups > 1) {
      this.#entries = new PairTable(1 << 12);
      this.#pairs = new Int32Array(1 << 12);
      this.#groupOf = new Int32Array(1 << 12);
    }
  }

  /** How many entries there are. */
  get size(): number {
    return this.#size;
  }

  pairOf(entry: number): number {
    return this.#entries === undefined ? entry : this.#pairs[entry]!;
  }

  groupOf(entry: number): number {
    return this.#entries === undefined ? 0 : this.#groupOf[entry]!;
  }

  /** Forgets what was raised. */
  startRound(): void {
    this.#round += 1;
    this.raised = [];
  }

  raise(pair: number, group: number, weight: number): void {
    const entry = this.#entryOf(pair, group);
    if (entry >= this.#size) this.#size = entry + 1;
    if (entry >= this.counts.length) this.#grow();
    if (this.#raisedIn[entry] !== this.#round) {
      this.#raisedIn[entry] = this.#round;
      this.raised.push(entry);
    }
    this.counts[entry]! += weight;
  }

  lower(pair: number, group: number, weight: number): void {
    this.counts[this.#entryOf(pair, group)]! -= weight;
  }

  #entryOf(pair: number, group: number): number {
    const entries = this.#entries;
    if (entries === undefined) return pair;
    const entry = entries.findOrAdd(pair, group);
    if (entry >= this.#pairs.length) {
      this.#pairs = doubled(this.#pairs);
      this.#groupOf = doubled(this.#groupOf);
    }
    this.#pairs[entry] = pair;
    this.#groupOf[entry] = group;
    return entry;
  }

  #grow(): void {
    const counts = new Float64Array(2 * this.counts.length);
    counts.set(this.counts);
    this.counts = counts;
    this.#raisedIn = doubled(this.#raisedIn);
  }
}

/** A copy with twice the room. */
export function doubled(values: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const more = new Int32Array(2 * values.length);
  more.set(values);
  return more;
}
