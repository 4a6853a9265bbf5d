/** @file From text to token ids: pieces, their cached tokens, and byte-pair merging for the others. */
import { ByteStringTable, hashBytes } from "./byte-strings.ts";
import { type MergeRules, Merger } from "./merge.ts";
import { LONGEST_CACHED_PIECE, PieceCache } from "./piece-cache.ts";
import type { PreTokenizer } from "./pretokenize.ts";

/** A list of token ids that grows. */
export class TokenList {
  ids = new Int32Array(1024);
  length = 0;

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
  /** The id of each of the 256 bytes. */
  readonly tokenOfByte: Int32Array;
  readonly rules: MergeRules;
  /** When set (`ignore_merges`), a piece that is a token as a whole is that token, whatever the rules say. */
  readonly wholePieces?: readonly { readonly id: number; readonly bytes: Uint8Array }[];
}

/** Byte-level BPE without added tokens. Holds a bounded cache; not re-entrant. */
export class BpeEncoder {
  readonly #preTokenizer: PreTokenizer;
  readonly #merger: Merger;
  readonly #whole: ByteStringTable | undefined;
  readonly #wholeIds: Int32Array;
  readonly #cache = new PieceCache();
  readonly #single = new Int32Array(1);
  #list = new TokenList();

  constructor(parts: EncoderParts) {
    this.#preTokenizer = parts.preTokenizer;
    this.#merger = new Merger(parts.tokenOfByte, parts.rules);
    const whole = parts.wholePieces ?? [];
    this.#wholeIds = Int32Array.from(whole, ({ id }) => id);
    if (whole.length > 0) {
      this.#whole = new ByteStringTable(whole.length);
      for (const { bytes } of whole)
        this.#whole.add(bytes, 0, bytes.length, hashBytes(bytes, 0, bytes.length));
    }
  }

  /** Appends the tokens of `text` to `list`. */
  encode(text: string, list: TokenList): void {
    this.#list = list;
    this.#preTokenizer.forEachPiece(text, this.#visit);
  }

  readonly #visit = (bytes: Uint8Array, start: number, end: number): void => {
    const list = this.#list;
    if (end - start > LONGEST_CACHED_PIECE) {
      this.#append(this.#tokensOf(bytes, start, end, undefined));
      return;
    }
    const hash = hashBytes(bytes, start, end);
    const cache = this.#cache;
    const record = cache.find(bytes, start, end, hash);
    if (record < 0) {
      const tokens = this.#tokensOf(bytes, start, end, hash);
      cache.add(bytes, start, end, hash, tokens);
      this.#append(tokens);
      return;
    }
    const count = cache.tokenCount(record);
    list.reserve(count);
    const { ids } = list;
    let at = list.length;
    for (let i = 0; i < count; i++) ids[at++] = cache.words[record + 2 + i]!;
    list.length = at;
  };

  #append(tokens: Int32Array): void {
    this.#list.reserve(tokens.length);
    this.#list.ids.set(tokens, this.#list.length);
    this.#list.length += tokens.length;
  }

  #tokensOf(bytes: Uint8Array, start: number, end: number, hash: number | undefined): Int32Array {
    if (this.#whole !== undefined) {
      const index = this.#whole.find(bytes, start, end, hash ?? hashBytes(bytes, start, end));
      if (index >= 0) {
        this.#single[0] = this.#wholeIds[index]!;
        return this.#single;
      }
    }
    return this.#merger.merge(bytes, start, end);
  }
}
