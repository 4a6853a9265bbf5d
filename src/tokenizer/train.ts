/**
 * @file Byte-pair training (Sennrich et al., 2016), with Hugging Face's `BpeTrainer` as the yardstick: again and
 * again the most frequent adjacent pair becomes a token. Of equally frequent pairs the one with the smaller left
 * token goes first, then the one with the smaller right token, where bytes are ordered by their character in the
 * byte-level alphabet and come before merged tokens, which are ordered by age. When two pairs spell the same
 * token, the second is a second way to the first's id. The order in which text was counted does not matter.
 */
import { assert } from "../core/index.ts";
import { BYTE_CHARACTERS } from "./byte-alphabet.ts";
import { ByteStringTable, hashBytes } from "./byte-strings.ts";
import type { PieceCounts } from "./count-pieces.ts";
import { PairTable } from "./pair-table.ts";

export interface TrainOptions {
  /** Train until there are this many tokens, the 256 bytes included. */
  readonly tokens: number;
  /** Pairs that occur less often are left alone. */
  readonly minFrequency: number;
  /** No token gets longer than this. Default: no limit. */
  readonly maxTokenBytes?: number;
  readonly signal?: AbortSignal;
  /** Called now and then with the number of tokens so far. */
  readonly onProgress?: (tokens: number) => void;
}

/** What training found. Tokens 0–255 are the bytes in the order of `BYTE_ORDER`, later ones in order of age. */
export interface TrainedMerges {
  readonly tokens: readonly Uint8Array[];
  /** Rule i joins tokens `left[i]` and `right[i]` to `joined[i]`. */
  readonly left: readonly number[];
  readonly right: readonly number[];
  readonly joined: readonly number[];
}

/** The bytes ordered by their character in the byte-level alphabet. */
export const BYTE_ORDER: readonly number[] = Array.from({ length: 256 }, (_, byte) => byte).sort(
  (a, b) => BYTE_CHARACTERS[a]!.charCodeAt(0) - BYTE_CHARACTERS[b]!.charCodeAt(0),
);

/** Stands before, between and after the pieces in the row of symbols. */
const BORDER = -0x80000000;
const NONE = -1;
const MERGES_BETWEEN_BREATHS = 256;

/**
 * All distinct pieces in a row. A token's id stands at its first byte; the last byte of a longer one holds
 * ~(position of its first), so that both neighbours are found without links. The occurrences of each pair are a
 * doubly linked list through the positions of their left tokens: a merge touches its occurrences and nothing else.
 */
class Corpus {
  readonly symbols: Int32Array;
  readonly lengths: number[] = Array.from({ length: 256 }, () => 1);
  readonly #weightOf: Int32Array;
  readonly #weights: Float64Array;
  readonly #pairAt: Int32Array;
  readonly #after: Int32Array;
  readonly #before: Int32Array;
  readonly #table = new PairTable(1 << 12);
  left = new Int32Array(1 << 12);
  right = new Int32Array(1 << 12);
  counts = new Float64Array(1 << 12);
  #heads = new Int32Array(1 << 12);
  #tails = new Int32Array(1 << 12);
  /** The last merge that made each pair more frequent. */
  #raisedIn = new Int32Array(1 << 12);
  /** Pairs that the latest merge made more frequent. */
  raised: number[] = [];
  #round = 0;
  #positions = new Int32Array(1 << 10);

  constructor({ pieces, counts }: PieceCounts) {
    const size = pieces.bytes + pieces.size + 1;
    assert(size < 0x7fffffff, "the distinct pieces of the corpus exceed 2 GiB");
    this.symbols = new Int32Array(size).fill(BORDER);
    this.#weightOf = new Int32Array(size);
    this.#weights = counts;
    this.#pairAt = new Int32Array(size).fill(NONE);
    this.#after = new Int32Array(size);
    this.#before = new Int32Array(size);
    const symbolOfByte = new Int32Array(256);
    for (const [symbol, byte] of BYTE_ORDER.entries()) symbolOfByte[byte] = symbol;
    let at = 1;
    for (let piece = 0; piece < pieces.size; piece++) {
      for (const byte of pieces.entry(piece)) {
        this.symbols[at] = symbolOfByte[byte]!;
        this.#weightOf[at] = piece;
        at += 1;
      }
      at += 1;
    }
    for (let position = 1; position < size - 1; position++) {
      if (this.symbols[position]! >= 0 && this.symbols[position + 1]! >= 0) this.#link(position);
    }
  }

  get pairs(): number {
    return this.#table.size;
  }

  /** Makes token `joined` of every occurrence of `pair`, from left to right in each piece. */
  merge(pair: number, joined: number): void {
    this.#round += 1;
    this.raised = [];
    const leftLength = this.lengths[this.left[pair]!]!;
    const rightLength = this.lengths[this.right[pair]!]!;
    this.lengths[joined] = leftLength + rightLength;
    const occurrences = this.#occurrences(pair);
    for (const position of occurrences) {
      if (this.#pairAt[position] !== pair) continue;
      const rightPosition = position + leftLength;
      const end = rightPosition + rightLength;
      this.#unlink(position);
      if (this.#pairAt[rightPosition] !== NONE) this.#unlink(rightPosition);
      const previous = this.#previous(position);
      if (previous !== NONE) this.#unlink(previous);
      this.symbols[position] = joined;
      this.symbols[end - 1] = ~position;
      if (previous !== NONE) this.#link(previous);
      if (this.symbols[end] !== BORDER) this.#link(position);
    }
    this.counts[pair] = 0;
  }

  /** The list of `pair`, copied because merging changes it. A pair that can overlap itself goes left to right. */
  #occurrences(pair: number): Int32Array {
    let count = 0;
    for (let position = this.#heads[pair]!; position !== NONE; position = this.#after[position]!) {
      if (count === this.#positions.length) {
        const more = new Int32Array(2 * count);
        more.set(this.#positions);
        this.#positions = more;
      }
      this.#positions[count++] = position;
    }
    const occurrences = this.#positions.subarray(0, count);
    return this.left[pair] === this.right[pair] ? occurrences.sort() : occurrences;
  }

  #previous(position: number): number {
    const symbol = this.symbols[position - 1]!;
    if (symbol === BORDER) return NONE;
    return symbol >= 0 ? position - 1 : ~symbol;
  }

  /** Enters the pair that starts at `position` at the end of its list. */
  #link(position: number): void {
    const symbol = this.symbols[position]!;
    const pair = this.#table.findOrAdd(symbol, this.symbols[position + this.lengths[symbol]!]!);
    if (pair >= this.left.length) this.#growPairs();
    if (this.#raisedIn[pair] !== this.#round) {
      this.#raisedIn[pair] = this.#round;
      this.raised.push(pair);
    }
    if (this.counts[pair] === 0) {
      this.left[pair] = symbol;
      this.right[pair] = this.symbols[position + this.lengths[symbol]!]!;
    }
    const tail = this.#tails[pair]! - 1;
    this.#before[position] = tail;
    this.#after[position] = NONE;
    if (tail === NONE) this.#heads[pair] = position;
    else this.#after[tail] = position;
    this.#tails[pair] = position + 1;
    this.#pairAt[position] = pair;
    this.counts[pair]! += this.#weights[this.#weightOf[position]!]!;
  }

  #unlink(position: number): void {
    const pair = this.#pairAt[position]!;
    const before = this.#before[position]!;
    const after = this.#after[position]!;
    if (before === NONE) this.#heads[pair] = after;
    else this.#after[before] = after;
    if (after === NONE) this.#tails[pair] = before + 1;
    else this.#before[after] = before;
    this.#pairAt[position] = NONE;
    this.counts[pair]! -= this.#weights[this.#weightOf[position]!]!;
  }

  #growPairs(): void {
    const grow = <T extends Int32Array | Float64Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    const size = 2 * this.left.length;
    this.left = grow(this.left, new Int32Array(size));
    this.right = grow(this.right, new Int32Array(size));
    this.counts = grow(this.counts, new Float64Array(size));
    this.#heads = grow(this.#heads, new Int32Array(size));
    this.#tails = grow(this.#tails, new Int32Array(size));
    this.#raisedIn = grow(this.#raisedIn, new Int32Array(size));
  }
}

/** Pairs by frequency. An entry keeps the count it was entered with; a pair whose count fell is entered anew. */
class PairHeap {
  readonly #corpus: Corpus;
  #pairs = new Int32Array(1 << 12);
  #counts = new Float64Array(1 << 12);
  #size = 0;

  constructor(corpus: Corpus) {
    this.#corpus = corpus;
  }

  push(pair: number, count: number): void {
    if (this.#size === this.#pairs.length) {
      const pairs = new Int32Array(2 * this.#size);
      pairs.set(this.#pairs);
      this.#pairs = pairs;
      const counts = new Float64Array(2 * this.#size);
      counts.set(this.#counts);
      this.#counts = counts;
    }
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#precedes(pair, count, this.#pairs[parent]!, this.#counts[parent]!)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#pairs[at] = pair;
    this.#counts[at] = count;
  }

  /** The most frequent pair as things stand, or −1 when none occurs `minimum` times. */
  pop(minimum: number): number {
    while (this.#size > 0) {
      const pair = this.#pairs[0]!;
      const entered = this.#counts[0]!;
      this.#removeFirst();
      const count = this.#corpus.counts[pair]!;
      if (count === entered) return pair;
      if (count < entered && count >= minimum) this.push(pair, count);
    }
    return NONE;
  }

  #removeFirst(): void {
    this.#size -= 1;
    const pair = this.#pairs[this.#size]!;
    const count = this.#counts[this.#size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      const other = child + 1;
      if (other < this.#size && this.#entryPrecedes(other, child)) child = other;
      if (!this.#precedes(this.#pairs[child]!, this.#counts[child]!, pair, count)) break;
      this.#move(child, at);
      at = child;
    }
    this.#pairs[at] = pair;
    this.#counts[at] = count;
  }

  #move(from: number, to: number): void {
    this.#pairs[to] = this.#pairs[from]!;
    this.#counts[to] = this.#counts[from]!;
  }

  #entryPrecedes(a: number, b: number): boolean {
    return this.#precedes(this.#pairs[a]!, this.#counts[a]!, this.#pairs[b]!, this.#counts[b]!);
  }

  #precedes(pair: number, count: number, otherPair: number, otherCount: number): boolean {
    if (count !== otherCount) return count > otherCount;
    const { left, right } = this.#corpus;
    if (left[pair] !== left[otherPair]) return left[pair]! < left[otherPair]!;
    return right[pair]! < right[otherPair]!;
  }
}

/** The token that `left` and `right` spell together: a known one, or the next id. */
class TokenNames {
  readonly tokens: Uint8Array[] = BYTE_ORDER.map((byte) => Uint8Array.of(byte));
  readonly #table = new ByteStringTable(1 << 12);

  constructor() {
    for (const token of this.tokens) this.#table.add(token, 0, 1, hashBytes(token, 0, 1));
  }

  join(left: number, right: number): number {
    const a = this.tokens[left]!;
    const b = this.tokens[right]!;
    const token = new Uint8Array(a.length + b.length);
    token.set(a);
    token.set(b, a.length);
    const hash = hashBytes(token, 0, token.length);
    const known = this.#table.find(token, 0, token.length, hash);
    if (known >= 0) return known;
    this.tokens.push(token);
    return this.#table.add(token, 0, token.length, hash);
  }
}

/**
 * Trains on counted pieces. Time grows with the occurrences that are merged, not with the length of pieces or the
 * size of the vocabulary; memory is 20 bytes per byte of distinct piece and about 60 per distinct pair.
 * Stops early when no pair is frequent enough. Yields to the event loop while it works.
 */
export async function trainMerges(counts: PieceCounts, options: TrainOptions): Promise<TrainedMerges> {
  const minimum = Math.max(options.minFrequency, Number.MIN_VALUE);
  const longest = options.maxTokenBytes ?? Number.POSITIVE_INFINITY;
  const corpus = new Corpus(counts);
  const heap = new PairHeap(corpus);
  const names = new TokenNames();
  const left: number[] = [];
  const right: number[] = [];
  const joined: number[] = [];
  for (let pair = 0; pair < corpus.pairs; pair++) {
    if (corpus.counts[pair]! >= minimum) heap.push(pair, corpus.counts[pair]!);
  }
  while (names.tokens.length < options.tokens) {
    const pair = heap.pop(minimum);
    if (pair === NONE) break;
    const a = corpus.left[pair]!;
    const b = corpus.right[pair]!;
    if (corpus.lengths[a]! + corpus.lengths[b]! > longest) continue;
    const token = names.join(a, b);
    left.push(a);
    right.push(b);
    joined.push(token);
    corpus.merge(pair, token);
    for (const changed of corpus.raised) {
      if (corpus.counts[changed]! >= minimum) heap.push(changed, corpus.counts[changed]!);
    }
    if (left.length % MERGES_BETWEEN_BREATHS === 0) {
      options.onProgress?.(names.tokens.length);
      await new Promise((resolve) => setTimeout(resolve, 0));
      options.signal?.throwIfAborted();
    }
  }
  return { tokens: names.tokens, left, right, joined };
}
