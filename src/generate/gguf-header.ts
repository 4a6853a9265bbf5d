/**
 * @file The bytes of a GGUF's header: its metadata, as far as `gguf-check.ts` asks about it, and the table of its tensors.
 * Every count and length is held against the size of the file. Format: ggml-org/ggml `docs/gguf.md`.
 */

/** Bytes of a value by its type code; strings and arrays have a length of their own. */
const SCALAR_BYTES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
export const TOKEN_LIST = "tokenizer.ggml.tokens";
/** Type codes of values. */
export const SHORT = 2;
export const UINT = 4;
export const INT = 5;
export const FLOAT = 6;
export const STRING = 8;
const ARRAY = 9;
/** `GGML_MAX_NAME`. */
const LONGEST_NAME = 64;
const LONGEST_KEY = 65535;
const MOST_DIMENSIONS = 4;
const HIGHEST_TENSOR_TYPE = 255;
const F32 = 0;
/** Q8_1 and Q8_K, which hold rows on their way, whole numbers, and 64-bit floats. */
const NO_WEIGHTS: ReadonlySet<number> = new Set([9, 15, 24, 25, 26, 27, 28]);
/** Texts that decide how the rest is read. */
const NAMES = /^(?:general\.architecture|tokenizer\.ggml\.model|.*\.rope\.scaling\.type)$/;

/** More of the file is needed than has been read. */
export class NeedMore extends Error {}

/** Something in the header cannot be. */
export class Impossible extends Error {}

/** Walks over the header's bytes; `fileBytes` bounds everything. */
class Cursor {
  readonly #bytes: Buffer;
  readonly #fileBytes: number;
  #at = 0;

  constructor(bytes: Buffer, fileBytes: number) {
    this.#bytes = bytes;
    this.#fileBytes = fileBytes;
  }

  /** Passes over `length` bytes and returns where they began. */
  skip(length: number): number {
    const at = this.#at;
    if (length > this.#fileBytes - at) throw new Impossible("a file that ends inside its header");
    if (at + length > this.#bytes.length) throw new NeedMore();
    this.#at += length;
    return at;
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.skip(4));
  }

  /** A 64-bit count, at most `most`. */
  count(what: string, most: number): number {
    const value = this.#bytes.readBigUInt64LE(this.skip(8));
    if (value > BigInt(most)) throw new Impossible(`${what} of ${value}`);
    return Number(value);
  }

  text(what: string, most: number): string {
    const length = this.count(`a length of ${what}`, most);
    const at = this.skip(length);
    const text = this.#bytes.toString("utf8", at, at + length);
    // Where llama.cpp takes a name for a C string, it would end there.
    if (text.includes("\0")) throw new Impossible(`a NUL in ${what}`);
    return text;
  }

  /** A text as its bytes, one character each: for comparing, not for reading. */
  rawText(what: string): string {
    const length = this.count(what, this.#fileBytes);
    const at = this.skip(length);
    return this.#bytes.toString("latin1", at, at + length);
  }

  skipText(): void {
    this.skip(this.count("a text length", this.#fileBytes));
  }

  /** The value of a 4-byte number, or of one of two bytes without a sign; passes over it, and over every other. */
  scalar(type: number): number | undefined {
    const width = SCALAR_BYTES[type];
    if (width === undefined) throw new Impossible(`a value of unknown type ${type}`);
    const at = this.skip(width);
    if (type === UINT || type === INT) return this.#bytes.readInt32LE(at);
    if (type === FLOAT) return this.#bytes.readFloatLE(at);
    return type === SHORT ? this.#bytes.readUInt16LE(at) : undefined;
  }
}

/** What the metadata says. */
export interface Metadata {
  /** The type code of every value that is no array. */
  readonly scalars: Map<string, number>;
  /** The type code of the elements of every array. */
  readonly arrays: Map<string, number>;
  readonly numbers: Map<string, number>;
  readonly texts: Map<string, string>;
  /** Lengths of arrays. */
  readonly lengths: Map<string, number>;
  /** The token list, one character per byte. */
  tokens: ReadonlySet<string>;
}

/** The token list: no two may be the same. */
function readTokens(cursor: Cursor, length: number): ReadonlySet<string> {
  const seen = new Set<string>();
  for (let i = 0; i < length; i++) {
    // As llama.cpp reads it: to the first NUL, and an empty one by its number.
    const [word = ""] = cursor.rawText("a token's length").split("\0", 1);
    seen.add(word === "" ? `[EMPTY_${i}]` : word);
  }
  if (seen.size !== length) throw new Impossible(`a token list with ${length - seen.size} doubles`);
  return seen;
}

function readMetadata(cursor: Cursor, entries: number, fileBytes: number): Metadata {
  const metadata: Metadata = {
    scalars: new Map(),
    arrays: new Map(),
    numbers: new Map(),
    texts: new Map(),
    lengths: new Map(),
    tokens: new Set(),
  };
  for (let entry = 0; entry < entries; entry++) {
    const key = cursor.text("a metadata key", LONGEST_KEY);
    if (key === "") throw new Impossible("a metadata key without a name");
    const type = cursor.u32();
    if (type !== ARRAY) metadata.scalars.set(key, type);
    if (type === STRING) {
      if (NAMES.test(key)) metadata.texts.set(key, cursor.text(key, LONGEST_NAME));
      else cursor.skipText();
    } else if (type === ARRAY) {
      const elementType = cursor.u32();
      const length = cursor.count(`an array length in ${key}`, fileBytes);
      metadata.arrays.set(key, elementType);
      metadata.lengths.set(key, length);
      if (key === TOKEN_LIST) {
        if (elementType !== STRING) throw new Impossible("a token list that is no list of texts");
        metadata.tokens = readTokens(cursor, length);
      } else if (elementType === STRING) {
        for (let i = 0; i < length; i++) cursor.skipText();
      } else {
        const width = SCALAR_BYTES[elementType];
        if (width === undefined)
          throw new Impossible(`array elements of unknown type ${elementType} in ${key}`);
        cursor.skip(length * width);
      }
    } else {
      const value = cursor.scalar(type);
      if (value !== undefined) metadata.numbers.set(key, value);
    }
  }
  return metadata;
}

function readTensors(cursor: Cursor, tensors: number, fileBytes: number): void {
  for (let tensor = 0; tensor < tensors; tensor++) {
    const name = cursor.text("a tensor name", LONGEST_NAME);
    const dimensions = cursor.u32();
    if (dimensions < 1 || dimensions > MOST_DIMENSIONS)
      throw new Impossible(`${dimensions} dimensions in ${name}`);
    let elements = 1;
    for (let i = 0; i < dimensions; i++) {
      const size = cursor.count(`a dimension of ${name}`, Number.MAX_SAFE_INTEGER);
      elements *= size;
      if (size < 1 || elements > Number.MAX_SAFE_INTEGER)
        throw new Impossible(`a dimension of ${size} in ${name}`);
    }
    const type = cursor.u32();
    // Weights are multiplied by rows of floats, vectors one by one: for other types llama.cpp has no code, and ends.
    const fits = dimensions === 1 ? type === F32 : type <= HIGHEST_TENSOR_TYPE && !NO_WEIGHTS.has(type);
    if (!fits) throw new Impossible(`number type ${type} in ${name}`);
    cursor.count(`an offset of ${name}`, fileBytes);
  }
}

/** Walks over metadata and tensors in `bytes`, the first bytes of a file of `fileBytes`; throws `NeedMore` or `Impossible`. */
export function parseTables(bytes: Buffer, fileBytes: number): Metadata {
  const cursor = new Cursor(bytes, fileBytes);
  const magic = bytes.toString("latin1", cursor.skip(4), 4);
  if (magic !== "GGUF") throw new Impossible("a file of another format");
  const version = cursor.u32();
  if (version !== 2 && version !== 3) throw new Impossible(`version ${version}`);
  // A tensor entry takes at least 32 bytes and a metadata entry at least 13.
  const tensors = cursor.count("a number of tensors", Math.floor(fileBytes / 32));
  const entries = cursor.count("a number of metadata entries", Math.floor(fileBytes / 13));
  const metadata = readMetadata(cursor, entries, fileBytes);
  readTensors(cursor, tensors, fileBytes);
  return metadata;
}
