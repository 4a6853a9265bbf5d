/** @file From text to token ids: pieces, their cached tokens, and byte-pair merging for the others. */
import { FittingEncoder } from "./fit-tokens.ts";
import { Merger } from "./merge.ts";
import type { MergeRules } from "./rule-table.ts";
import { MOST_CACHED_TOKENS, PieceCache } from "./piece-cache.ts";
import { LARGEST_BATCH, type PieceBatch, type PreTokenizer } from "./pretokenize.ts";
import type { SpeltToken } from "./token-trie.ts";
import { hashUnits, UnitStringTable } from "./unit-strings.ts";
import { Utf8Buffer } from "./utf8-buffer.ts";

/** A list of token ids that grows. */
export class TokenList {
  ids: Int32Array;
  length = 0;

  constructor(expected = 1024) {
    this.ids = new Int32Array(expected);
  }

  /** Makes room for `more` ids. */
  reserve(more: number): void {
    if (this.length + more <= this.ids.length) return;
    const grown = new Int32Array(Math.max(2 * this.ids.length, this.length + more));
    grown.set(this.ids.subarray(0, this.length));
    this.ids = grown;
  }

  push(id: number): void {
    this.reserve(1);
    this.ids[this.length++] = id;
  }
}

export interface EncoderParts {
  readonly preTokenizer: PreTokenizer;
  /** The id of each of the 256 bytes; −1 for bytes that no text has. */
  readonly tokenOfByte: Int32Array;
  readonly rules: MergeRules;
  /** When set (`ignore_merges`), a piece that is a token as a whole is that token, whatever the rules say. */
  readonly wholePieces?: readonly SpeltToken[];
}

/** The tokens that whole pieces are although merging does not make them. */
class WholePieces {
  readonly #table = new UnitStringTable();
  readonly #ids: number[] = [];

  constructor(pieces: readonly SpeltToken[], merger: FittingEncoder | Merger) {
    const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    for (const { id, bytes } of pieces) {
      if (merger.merge(bytes, bytes.length) === 1 && merger.tokens[0] === id) continue;
      let text: string;
      try {
        text = utf8.decode(bytes);
      } catch {
        continue; // A part of a character is never a piece.
      }
      const units = Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
      this.#table.add(units, 0, units.length, hashUnits(units, 0, units.length));
      this.#ids.push(id);
    }
  }

  get size(): number {
    return this.#ids.length;
  }

  /** The id of the token that `units[start … end)` is, or −1. */
  find(units: Uint16Array, start: number, end: number, hash: number): number {
    const index = this.#table.find(units, start, end, hash);
    return index < 0 ? -1 : this.#ids[index]!;
  }
}

/** Byte-level BPE without added tokens. Holds a bounded cache; not re-entrant. */
export class BpeEncoder {
  readonly #preTokenizer: PreTokenizer;
  readonly #merger: FittingEncoder | Merger;
  readonly #whole: WholePieces | undefined;
  readonly #cache = new PieceCache();
  readonly #utf8 = new Utf8Buffer();
  readonly #candidates = new Int32Array(LARGEST_BATCH);
  #list = new TokenList();

  constructor(parts: EncoderParts) {
    this.#preTokenizer = parts.preTokenizer;
    this.#merger =
      FittingEncoder.of(parts.tokenOfByte, parts.rules) ?? new Merger(parts.tokenOfByte, parts.rules);
    const whole = new WholePieces(parts.wholePieces ?? [], this.#merger);
    if (whole.size > 0) this.#whole = whole;
  }

  /** Appends the tokens of `text` to `list`. */
  encode(text: string, list: TokenList): void {
    this.#list = list;
    this.#preTokenizer.forEachBatch(text, this.#visit);
  }

  readonly #visit = (batch: PieceBatch): void => {
    const { units, ends, hashes, count } = batch;
    const cache = this.#cache;
    const candidates = this.#candidates;
    for (let i = 0; i < count; i++) candidates[i] = cache.candidate(hashes[i]!);
    let start = batch.start;
    for (let i = 0; i < count; i++) {
      const end = ends[i]!;
      const at = candidates[i]!;
      if (cache.holds(at, units, start, end, hashes[i]!)) this.#appendCached(at);
      else this.#encodePiece(units, start, end, hashes[i]!);
      start = end;
    }
  };

  #appendCached(at: number): void {
    const list = this.#list;
    const { words } = this.#cache;
    const count = words[at + 1]! >> 8;
    const from = at + 2;
    list.reserve(MOST_CACHED_TOKENS);
    const { ids, length } = list;
    // Most pieces have few tokens: copying a fixed number costs less than a loop whose end cannot be foreseen.
    ids[length] = words[from]!;
    ids[length + 1] = words[from + 1]!;
    ids[length + 2] = words[from + 2]!;
    for (let i = 3; i < count; i++) ids[length + i] = words[from + i]!;
    list.length = length + count;
  }

  /** Looks the piece up as a whole, else merges its bytes. */
  #encodePiece(units: Uint16Array, start: number, end: number, hash: number): void {
    const merger = this.#merger;
    const whole = this.#whole?.find(units, start, end, hash) ?? -1;
    let count = 1;
    if (whole >= 0) merger.tokens[0] = whole;
    else {
      const length = this.#utf8.fill(units, start, end);
      count = merger.merge(this.#utf8.bytes, length);
    }
    this.#cache.add(units, start, end, hash, merger.tokens, count);
    const list = this.#list;
    list.reserve(count);
    if (count < 64) for (let i = 0; i < count; i++) list.ids[list.length + i] = merger.tokens[i]!;
    else list.ids.set(merger.tokens.subarray(0, count), list.length);
    list.length += count;
    merger.release();
    this.#utf8.release();
  }
}
