/**
 * @file Cutting text into the pieces inside which byte pairs may merge, by the rules of a tokenizer file. Time is
 * linear in the text for the rules that such files use, memory in its longest piece.
 */
import { compilePattern, type PieceAutomaton, SURROGATE } from "./piece-automaton.ts";
import { EMPTY_HASH, finishHash, hashUnit, hashUnits } from "./unit-strings.ts";

/**
 * The rule of Apertus' `tokenizer.json` (that of Mistral's tekken; technical report §2.2), in Oniguruma's notation.
 */
export const APERTUS_PATTERN = [
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`,
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`,
  String.raw`\p{N}`,
  String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`,
  String.raw`\s*[\r\n]+`,
  String.raw`\s+(?!\S)`,
  String.raw`\s+`,
].join("|");

/**
 * Some pieces in a row: the first is `units[start … ends[0])`, each later one starts where the one before ends.
 * Well-formed UTF-16; `hashes` has the `hashUnits` of each. Only valid while the visitor runs. Pieces come in batches
 * because looking up one after the other would mean to wait for memory each time.
 */
export interface PieceBatch {
  readonly units: Uint16Array;
  readonly start: number;
  readonly ends: Int32Array;
  readonly hashes: Int32Array;
  readonly count: number;
}

export const LARGEST_BATCH = 256;

/** Stands behind the text in the buffer; it never occurs in well-formed text without a high surrogate before it. */
const END = 0xdc00;
const REPLACEMENT = 0xfffd;
/** Code units taken up at a time. */
const SLICE_UNITS = 1 << 15;
const LARGEST_KEPT_BUFFER = 1 << 19;

class Batch implements PieceBatch {
  units: Uint16Array;
  start = 0;
  readonly ends = new Int32Array(LARGEST_BATCH);
  readonly hashes = new Int32Array(LARGEST_BATCH);
  count = 0;

  constructor(units: Uint16Array) {
    this.units = units;
  }
}

/**
 * Cuts text by rules applied one after the other: the matches of a rule, and what lies between them, are pieces.
 * Unpaired surrogates become U+FFFD. Not re-entrant.
 */
export class PreTokenizer {
  readonly #rules: readonly PieceAutomaton[];
  readonly #batch = new Batch(new Uint16Array(2 * SLICE_UNITS));

  /** @throws FirnError `TOKENIZER_PATTERN` */
  constructor(patterns: readonly string[]) {
    this.#rules = patterns.map(compilePattern);
  }

  /** Hands over the pieces of `text` in order. */
  forEachBatch(text: string, visit: (batch: PieceBatch) => void): void {
    const batch = this.#batch;
    let used = 0;
    let position = 0;
    while (position < text.length) {
      // A piece longer than the buffer is scanned again with at least twice as much text: linear in the end.
      let end = Math.min(position + Math.max(SLICE_UNITS, used), text.length);
      if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end -= 1;
      this.#reserve(used, end - position + 1);
      this.#copy(text, position, end, used);
      const limit = used + end - position;
      position = end;
      batch.start = 0;
      batch.count = 0;
      const done = this.#scan(0, 0, limit, position === text.length, visit);
      if (batch.count > 0) visit(batch);
      batch.units.copyWithin(0, done, limit);
      used = limit - done;
    }
    if (batch.units.length > LARGEST_KEPT_BUFFER) batch.units = new Uint16Array(2 * SLICE_UNITS);
  }

  /** Makes room for `more` units behind the first `used`. */
  #reserve(used: number, more: number): void {
    const { units } = this.#batch;
    if (used + more <= units.length) return;
    const grown = new Uint16Array(Math.max(2 * units.length, used + more));
    grown.set(units.subarray(0, used));
    this.#batch.units = grown;
  }

  /** Copies `text[from … to)` to the units at `at`, unpaired surrogates replaced; pairs are not cut apart. */
  #copy(text: string, from: number, to: number, at: number): void {
    const { units } = this.#batch;
    for (let i = from; i < to; i++) {
      const unit = text.charCodeAt(i);
      units[at++] = unit;
      if ((unit & 0xf800) !== 0xd800) continue;
      const low = i + 1 < to ? text.charCodeAt(i + 1) : 0;
      if (unit < 0xdc00 && (low & 0xfc00) === 0xdc00) {
        units[at++] = low;
        i += 1;
      } else units[at - 1] = REPLACEMENT;
    }
  }

  /**
   * Hands over the pieces of `units[start … limit)`, cut by the rules from number `rule` on, as far as they are sure
   * when this may not be the `last` of the text; returns where the first unsure one starts.
   */
  #scan(
    rule: number,
    start: number,
    limit: number,
    last: boolean,
    visit: (batch: PieceBatch) => void,
  ): number {
    const automaton = this.#rules[rule];
    const { units } = this.#batch;
    if (automaton === undefined) {
      if (!last) return start;
      if (limit > start) this.#add(limit, hashUnits(units, start, limit), visit);
      return limit;
    }
    const isFinal = rule + 1 === this.#rules.length;
    const behind = units[limit]!;
    units[limit] = END;
    let between = start;
    let position = start;
    while (position < limit) {
      const end = this.#match(automaton, position, limit, last);
      if (end < 0) break;
      if (end === position) {
        position += (units[position]! & 0xfc00) === 0xd800 ? 2 : 1;
        continue;
      }
      const hash = this.#hash;
      if (between < position) this.#scan(rule + 1, between, position, true, visit);
      if (isFinal) this.#add(end, hash, visit);
      else this.#scan(rule + 1, position, end, true, visit);
      position = end;
      between = end;
    }
    if (last && between < limit) this.#scan(rule + 1, between, limit, true, visit);
    units[limit] = behind;
    return last ? limit : between;
  }

  /** Enters a piece that ends at `end`. */
  #add(end: number, hash: number, visit: (batch: PieceBatch) => void): void {
    const batch = this.#batch;
    const { count } = batch;
    batch.ends[count] = end;
    batch.hashes[count] = hash;
    batch.count = count + 1;
    if (batch.count < LARGEST_BATCH) return;
    visit(batch);
    batch.start = end;
    batch.count = 0;
  }

  /** The hash of the latest match. */
  #hash = 0;

  /** Where the match at `start` ends: `start` when there is none, −1 when that depends on what comes behind. */
  #match(automaton: PieceAutomaton, start: number, limit: number, last: boolean): number {
    const { columnOf, table } = automaton;
    const { units } = this.#batch;
    let state = automaton.start;
    let at = start;
    let end = start;
    let hash = EMPTY_HASH;
    let hashAtEnd = hash;
    for (;;) {
      const unit = units[at]!;
      let column = columnOf[unit]!;
      let low = -1;
      if (column === SURROGATE) {
        if (at < limit) {
          low = units[at + 1]!;
          column = columnOf[0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff)]!;
        } else if (last) column = automaton.endColumn;
        else return -1;
      }
      const entry = table[state + column]!;
      if ((entry & 1) !== 0) {
        end = at;
        hashAtEnd = hash;
      }
      state = entry >> 1;
      if (state === 0) break;
      hash = hashUnit(hash, unit);
      at += 1;
      if (low >= 0) {
        hash = hashUnit(hash, low);
        at += 1;
      }
    }
    this.#hash = finishHash(hashAtEnd);
    return end;
  }
}
