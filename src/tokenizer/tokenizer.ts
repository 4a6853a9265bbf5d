/** @file The tokenizer: text to ids, ids to text, and what each id is. Runs in Node.js and in browsers alike. */
import { assert, BugError, FirnError, nearestName } from "../core/index.ts";
import { BYTE_CHARACTERS, occursInText, requireText, unspellBytes } from "./byte-alphabet.ts";
import { defaultSystemText } from "./chat-template.ts";
import { decodeUtf8, StreamDecoder, TokenBytes } from "./decode.ts";
import { BpeEncoder, TokenList } from "./encode.ts";
import type { MergeRules } from "./rule-table.ts";
import { PreTokenizer } from "./pretokenize.ts";
import type { AddedToken } from "./special-tokens.ts";

/** An added token and how a tokenizer file wants it matched. */
export interface TokenizerAddedToken extends AddedToken {
  /** Matched in the text after normalisation, among what the other added tokens left. */
  readonly normalized: boolean;
}

/** Everything a byte-level BPE tokenizer is, checked (`tokenizer-json.ts` reads and writes it). */
export interface TokenizerModel {
  /** Token by id; ordinary ones spelt in the byte-level alphabet, added ones as they are. */
  readonly pieces: readonly string[];
  readonly rules: MergeRules;
  readonly addedTokens: readonly TokenizerAddedToken[];
  /** Oniguruma rules, applied one after the other. */
  readonly patterns: readonly string[];
  readonly ignoreMerges: boolean;
  readonly normalizer: "NFC" | undefined;
  /** What Hugging Face's post-processor puts before and after a text. */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
}

export interface EncodeOptions {
  /** Read the names of special tokens in the text as those tokens. Default: false, they are ordinary text. */
  readonly allowSpecial?: boolean;
}

export interface DecodeOptions {
  /** Leave out special tokens. Default: false. */
  readonly skipSpecial?: boolean;
}

/** One pass over the text for added tokens: which, and the expression that finds the leftmost longest. */
interface AddedTokenPass {
  readonly ids: ReadonlyMap<string, number>;
  readonly find: RegExp;
}

function passOf(tokens: readonly AddedToken[]): AddedTokenPass | undefined {
  if (tokens.length === 0) return undefined;
  const contents = tokens.map(({ content }) => content).sort((a, b) => b.length - a.length);
  const source = contents.map((content) => content.replace(/[$()*+./?[\\\]^{|}]/g, "\\$&")).join("|");
  return { ids: new Map(tokens.map(({ content, id }) => [content, id])), find: new RegExp(source, "gu") };
}

const EXPECTED_TOKENS = 16;
const NO_BYTES = new Uint8Array(0);

/** A byte-level BPE tokenizer. Immutable to its callers; one instance serves any number of calls. */
export class Tokenizer {
  readonly model: TokenizerModel;
  /** The system message of conversations that bring none. */
  readonly systemText: string;
  readonly #encoder: BpeEncoder;
  readonly #bytes: TokenBytes;
  readonly #special: Uint8Array;
  readonly #idOf: ReadonlyMap<string, number>;
  /** Passes without and with special tokens; each is [before normalisation, after it]. */
  readonly #passes: Record<"plain" | "special", readonly (AddedTokenPass | undefined)[]>;

  constructor(model: TokenizerModel, systemText = defaultSystemText({ name: "Firn" })) {
    this.model = model;
    this.systemText = systemText;
    const added = new Map(model.addedTokens.map((token) => [token.id, token]));
    const utf8 = new TextEncoder();
    const bytes = model.pieces.map((piece, id) => {
      return (added.has(id) ? undefined : unspellBytes(piece)) ?? utf8.encode(piece);
    });
    this.#bytes = new TokenBytes(bytes);
    this.#special = new Uint8Array(model.pieces.length);
    for (const token of model.addedTokens) this.#special[token.id] = token.special ? 1 : 0;
    this.#idOf = new Map(model.pieces.map((piece, id) => [piece, id]));
    const tokenOfByte = Int32Array.from(BYTE_CHARACTERS, (character, byte) => {
      const id = this.#idOf.get(character) ?? -1;
      assert(id >= 0 || !occursInText(byte), "a byte without a token passed the check of the tokenizer file");
      return id;
    });
    this.#encoder = new BpeEncoder({
      preTokenizer: new PreTokenizer(model.patterns),
      tokenOfByte,
      rules: model.rules,
      ...(model.ignoreMerges
        ? { wholePieces: bytes.map((b, id) => ({ id, bytes: b })).filter(({ id }) => !added.has(id)) }
        : {}),
    });
    const normalForm = (token: TokenizerAddedToken): TokenizerAddedToken =>
      model.normalizer === undefined
        ? token
        : { ...token, content: token.content.normalize(model.normalizer) };
    const passes = (tokens: readonly TokenizerAddedToken[]): (AddedTokenPass | undefined)[] => [
      passOf(tokens.filter(({ normalized }) => !normalized)),
      passOf(tokens.filter(({ normalized }) => normalized).map(normalForm)),
    ];
    this.#passes = {
      plain: passes(model.addedTokens.filter(({ special }) => !special)),
      special: passes(model.addedTokens),
    };
  }

  /** Ids run from 0 to `vocabSize` − 1. */
  get vocabSize(): number {
    return this.model.pieces.length;
  }

  /** `<s>`, which starts every document. */
  get bosId(): number {
    return this.idOf("<s>");
  }

  /** `</s>`, which ends every document. */
  get eosId(): number {
    return this.idOf("</s>");
  }

  get padId(): number {
    return this.idOf("<pad>");
  }

  /**
   * The tokens of `text`, without `<s>` and `</s>`. Any string has tokens; unpaired surrogates are read as U+FFFD.
   *
   * @throws FirnError `TOKENIZER_NOT_TEXT`
   */
  encode(text: string, options: EncodeOptions = {}): number[] {
    return Array.from(this.encodeArray(text, options));
  }

  /** Like `encode`, as an `Int32Array`: a quarter of the memory for long texts. */
  encodeArray(text: string, options: EncodeOptions = {}): Int32Array {
    requireText(text, "encode");
    const list = new TokenList(EXPECTED_TOKENS + (text.length >> 2));
    this.encodeInto(text, list, options);
    return list.ids.slice(0, list.length);
  }

  /** Like `encode`, appending to `list`. */
  encodeInto(text: string, list: TokenList, options: EncodeOptions = {}): void {
    requireText(text, "encode");
    this.#encodePass(text, this.#passes[options.allowSpecial === true ? "special" : "plain"], 0, list);
  }

  /**
   * The text of `ids`. Bytes that are not UTF-8 (a character cut in two) become U+FFFD.
   *
   * @throws FirnError `TOKENIZER_ID_RANGE`
   */
  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    let kept = ids;
    if (options.skipSpecial === true) kept = Array.from(ids).filter((id) => !this.isSpecial(id));
    for (let i = 0; i < kept.length; i++) this.#check(kept[i]!);
    return decodeUtf8(this.#bytes.join(kept));
  }

  /** Decodes tokens as they come, for showing an answer while it is written. */
  streamDecoder(options: DecodeOptions = {}): StreamDecoder {
    const skip = options.skipSpecial === true;
    return new StreamDecoder((id) => (skip && this.isSpecial(id) ? NO_BYTES : this.tokenBytes(id)));
  }

  /**
   * The id of a token by its exact name, e.g. `<|assistant_end|>`.
   *
   * @throws FirnError `TOKENIZER_NO_TOKEN`
   */
  idOf(name: string): number {
    const id = this.#idOf.get(name);
    if (id !== undefined) return id;
    const near = nearestName(
      name,
      this.model.addedTokens.map(({ content }) => content),
    );
    throw new FirnError("TOKENIZER_NO_TOKEN", {
      expected: `a token named ${JSON.stringify(name)}`,
      got: `a vocabulary of ${this.vocabSize} tokens without it`,
      next: near === undefined ? "Use the tokenizer this model was trained with." : `Did you mean ${near}?`,
    });
  }

  /** Whether there is a token of this exact name. */
  has(name: string): boolean {
    return this.#idOf.has(name);
  }

  /** Whether `id` is a control token. */
  isSpecial(id: number): boolean {
    this.#check(id);
    return this.#special[id] === 1;
  }

  /** The bytes that `id` stands for (for special tokens those of their name). Do not write into them. */
  tokenBytes(id: number): Uint8Array {
    this.#check(id);
    return this.#bytes.get(id);
  }

  /** `id` for people: its text where it is text, else its bytes as `\xNN`. */
  tokenText(id: number): string {
    const bytes = this.tokenBytes(id);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return Array.from(bytes, (byte) =>
        byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`,
      ).join("");
    }
  }

  #check(id: number): void {
    if (Number.isInteger(id) && id >= 0 && id < this.vocabSize) return;
    throw new FirnError("TOKENIZER_ID_RANGE", {
      expected: `token ids from 0 to ${this.vocabSize - 1}`,
      got: String(id),
      next: "The ids were made with another tokenizer, or the model has a larger vocabulary than this tokenizer.",
    });
  }

  #encodePass(
    text: string,
    passes: readonly (AddedTokenPass | undefined)[],
    pass: number,
    list: TokenList,
  ): void {
    if (pass === 1 && this.model.normalizer === "NFC") text = text.normalize("NFC");
    if (pass === passes.length) {
      this.#encoder.encode(text, list);
      return;
    }
    const added = passes[pass];
    let position = 0;
    for (const match of added === undefined ? [] : text.matchAll(added.find)) {
      if (match.index > position) this.#encodePass(text.slice(position, match.index), passes, pass + 1, list);
      const id = added!.ids.get(match[0]);
      if (id === undefined) throw new BugError(`the added token ${match[0]} was found but is not known`);
      list.push(id);
      position = match.index + match[0].length;
    }
    if (position < text.length)
      this.#encodePass(position === 0 ? text : text.slice(position), passes, pass + 1, list);
  }
}
