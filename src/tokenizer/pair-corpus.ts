/** @file The corpus as byte-pair training sees it: distinct pieces in a row, and where each pair occurs in them. */
import { assert } from "../core/index.ts";
import { BYTE_ORDER } from "./byte-order.ts";
import { PairTable } from "./pair-table.ts";
import { doubled, PairTally } from "./pair-tally.ts";
import type { PieceCounts } from "./count-pieces.ts";
import { Utf8Buffer, utf8Length } from "./utf8-buffer.ts";

/** Stands before, between and after the pieces in the row of symbols. */
const BORDER = -0x80000000;
const NONE = -1;

/** Words per position: what one merge needs of it lies side by side in memory. */
const STRIDE = 5;
const SYMBOL = 0;
const PIECE = 1;
const PAIR = 2;
const AFTER = 3;
const BEFORE = 4;

/** Words per pair. */
const PAIR_STRIDE = 4;
const LEFT = 0;
const RIGHT = 1;
/** Positions of the first and the last occurrence + 1, so that memory full of zeros means "none". */
const HEAD = 2;
const TAIL = 3;

/**
 * A token's id stands at its first byte; the last byte of a longer one holds ~(position of its first), so that both
 * neighbours are found without links. The occurrences of each pair are a doubly linked list through the positions of
 * their left tokens: a merge touches its occurrences and nothing else.
 */
export class PairCorpus {
  readonly lengths: number[] = Array.from({ length: 256 }, () => 1);
  readonly tally: PairTally;
  /** By group: bytes, and tokens as things stand, of all occurrences of its pieces. */
  readonly bytes: Float64Array;
  readonly tokens: Float64Array;
  readonly #row: Int32Array;
  /** By piece. */
  readonly #weights: Float64Array;
  readonly #groupOf: Uint16Array;
  readonly #table = new PairTable(1 << 16);
  #pairs = new Int32Array(PAIR_STRIDE << 16);
  #positions = new Int32Array(1 << 10);

  constructor({ groups }: PieceCounts) {
    assert(groups.length < 65536, "training with more than 65,535 groups");
    let pieces = 0;
    let size = 1;
    for (const group of groups) {
      pieces += group.pieces.size;
      for (let i = 0; i < group.pieces.size; i++) {
        const units = group.pieces.entry(i);
        size += utf8Length(units, 0, units.length) + 1;
      }
    }
    assert(size * STRIDE < 2 ** 31, "the distinct pieces of the corpus exceed 400 MB");
    this.tally = new PairTally(groups.length);
    this.bytes = new Float64Array(groups.length);
    this.#row = new Int32Array(STRIDE * size);
    this.#weights = new Float64Array(pieces);
    this.#groupOf = new Uint16Array(pieces);
    this.#layOut(groups);
    this.tokens = this.bytes.slice();
    for (let at = STRIDE; at < this.#row.length - STRIDE; at += STRIDE) {
      if (this.#row[at]! >= 0 && this.#row[at + STRIDE]! >= 0) this.#link(at);
    }
  }

  leftOf(pair: number): number {
    return this.#pairs[PAIR_STRIDE * pair + LEFT]!;
  }

  rightOf(pair: number): number {
    return this.#pairs[PAIR_STRIDE * pair + RIGHT]!;
  }

  /** Makes token `joined` of every occurrence of `pair`, from left to right in each piece. */
  merge(pair: number, joined: number): void {
    this.tally.startRound();
    const row = this.#row;
    const left = this.leftOf(pair);
    const right = this.rightOf(pair);
    const leftWords = STRIDE * this.lengths[left]!;
    const words = leftWords + STRIDE * this.lengths[right]!;
    this.lengths[joined] = this.lengths[left]! + this.lengths[right]!;
    for (const at of this.#occurrences(pair, left === right)) {
      if (row[at + PAIR] !== pair) continue;
      const piece = row[at + PIECE]!;
      this.tokens[this.#groupOf[piece]!]! -= this.#weights[piece]!;
      const end = at + words;
      this.#unlink(at);
      if (row[at + leftWords + PAIR] !== NONE) this.#unlink(at + leftWords);
      const previous = this.#previous(at);
      if (previous !== NONE) this.#unlink(previous);
      row[at] = joined;
      row[end - STRIDE] = ~at;
      if (previous !== NONE) this.#link(previous);
      if (row[end] !== BORDER) this.#link(at);
    }
  }

  #layOut(groups: PieceCounts["groups"]): void {
    const row = this.#row;
    const symbolOfByte = new Int32Array(256);
    for (const [symbol, byte] of BYTE_ORDER.entries()) symbolOfByte[byte] = symbol;
    const utf8 = new Utf8Buffer();
    row[SYMBOL] = BORDER;
    let at = STRIDE;
    let piece = 0;
    for (const [group, { pieces, counts }] of groups.entries()) {
      for (let i = 0; i < pieces.size; i++) {
        const units = pieces.entry(i);
        const length = utf8.fill(units, 0, units.length);
        for (let j = 0; j < length; j++) {
          row[at] = symbolOfByte[utf8.bytes[j]!]!;
          row[at + PIECE] = piece;
          row[at + PAIR] = NONE;
          at += STRIDE;
        }
        row[at] = BORDER;
        at += STRIDE;
        this.#weights[piece] = counts[i]!;
        this.#groupOf[piece] = group;
        this.bytes[group]! += length * counts[i]!;
        piece += 1;
      }
    }
  }

  /** The list of `pair`, copied because merging changes it; in order of position when a pair can overlap itself. */
  #occurrences(pair: number, sorted: boolean): Int32Array {
    let count = 0;
    let at = this.#pairs[PAIR_STRIDE * pair + HEAD]! - 1;
    for (; at !== NONE; at = this.#row[at + AFTER]!) {
      if (count === this.#positions.length) this.#positions = doubled(this.#positions);
      this.#positions[count++] = at;
    }
    const occurrences = this.#positions.subarray(0, count);
    return sorted ? occurrences.sort() : occurrences;
  }

  #previous(at: number): number {
    const symbol = this.#row[at - STRIDE]!;
    if (symbol === BORDER) return NONE;
    return symbol >= 0 ? at - STRIDE : ~symbol;
  }

  /** Enters the pair that starts at `at` at the end of its list. */
  #link(at: number): void {
    const row = this.#row;
    const left = row[at]!;
    const right = row[at + STRIDE * this.lengths[left]!]!;
    const pair = this.#table.findOrAdd(left, right);
    const record = PAIR_STRIDE * pair;
    if (record >= this.#pairs.length) this.#pairs = doubled(this.#pairs);
    const pairs = this.#pairs;
    pairs[record + LEFT] = left;
    pairs[record + RIGHT] = right;
    const tail = pairs[record + TAIL]! - 1;
    if (tail === NONE) pairs[record + HEAD] = at + 1;
    else row[tail + AFTER] = at;
    pairs[record + TAIL] = at + 1;
    row[at + PAIR] = pair;
    row[at + BEFORE] = tail;
    row[at + AFTER] = NONE;
    const piece = row[at + PIECE]!;
    this.tally.raise(pair, this.#groupOf[piece]!, this.#weights[piece]!);
  }

  #unlink(at: number): void {
    const row = this.#row;
    const pairs = this.#pairs;
    const pair = row[at + PAIR]!;
    const before = row[at + BEFORE]!;
    const after = row[at + AFTER]!;
    if (before === NONE) pairs[PAIR_STRIDE * pair + HEAD] = after + 1;
    else row[before + AFTER] = after;
    if (after === NONE) pairs[PAIR_STRIDE * pair + TAIL] = before + 1;
    else row[after + BEFORE] = before;
    row[at + PAIR] = NONE;
    const piece = row[at + PIECE]!;
    this.tally.lower(pair, this.#groupOf[piece]!, this.#weights[piece]!);
  }
}
