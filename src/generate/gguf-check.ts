/**
 * @file Reads a GGUF's whole header before llama.cpp gets the file. llama.cpp ends the process on some impossible
 * values and its wrapper can loop for hours on a wrong count; here a wrong file becomes an error that says what is
 * wrong. Format: ggml-org/ggml `docs/gguf.md`.
 */
import { type FileHandle, open } from "node:fs/promises";
import { describeError, FirnError } from "../core/index.ts";

/** What the header of a GGUF says. */
export interface GgufHeader {
  readonly architecture: string;
  /** Entries of the token list. */
  readonly vocabSize: number;
}

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
const TOKEN_LIST = "tokenizer.ggml.tokens";
const STRING = 8;
const ARRAY = 9;
/** `GGML_MAX_NAME`. */
const LONGEST_NAME = 64;
const LONGEST_KEY = 65535;
const MOST_DIMENSIONS = 4;
const HIGHEST_TENSOR_TYPE = 255;
const FIRST_READ = 4 << 20;
const LARGEST_HEADER = 1 << 30;
const REBUILD = "Download or export the file again.";

/** More of the file is needed than has been read. */
class NeedMore extends Error {}

/** Something in the header cannot be. */
class Impossible extends Error {}

function refuse(path: string, got: string, next: string, cause?: unknown): FirnError {
  return new FirnError("GENERATE_GGUF", {
    expected: "a GGUF model file, version 2 or 3",
    got,
    where: path,
    next,
    cause,
  });
}

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
    return this.#bytes.toString("utf8", at, at + length);
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

  /** The value of a 4-byte unsigned integer, else undefined; passes over it. */
  scalar(type: number): number | undefined {
    const width = SCALAR_BYTES[type];
    if (width === undefined) throw new Impossible(`a value of unknown type ${type}`);
    const at = this.skip(width);
    return type === 4 || type === 5 ? this.#bytes.readInt32LE(at) : undefined;
  }
}

interface Metadata {
  readonly numbers: Map<string, number>;
  readonly texts: Map<string, string>;
  /** Lengths of arrays. */
  readonly lengths: Map<string, number>;
}

/** Passes over a list of texts; no two tokens may be the same. */
function skipTexts(cursor: Cursor, key: string, length: number): void {
  if (key !== TOKEN_LIST) {
    for (let i = 0; i < length; i++) cursor.skipText();
    return;
  }
  const seen = new Set<string>();
  for (let i = 0; i < length; i++) seen.add(cursor.rawText("a token's length"));
  if (seen.size !== length) throw new Impossible(`a token list with ${length - seen.size} doubles`);
}

function readMetadata(cursor: Cursor, entries: number, fileBytes: number): Metadata {
  const metadata: Metadata = { numbers: new Map(), texts: new Map(), lengths: new Map() };
  for (let entry = 0; entry < entries; entry++) {
    const key = cursor.text("a metadata key", LONGEST_KEY);
    const type = cursor.u32();
    if (type === STRING) {
      if (key === "general.architecture") metadata.texts.set(key, cursor.text(key, LONGEST_NAME));
      else cursor.skipText();
    } else if (type === ARRAY) {
      const elementType = cursor.u32();
      const length = cursor.count(`an array length in ${key}`, fileBytes);
      metadata.lengths.set(key, length);
      if (elementType === STRING) {
        skipTexts(cursor, key, length);
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
    if (type > HIGHEST_TENSOR_TYPE) throw new Impossible(`number type ${type} in ${name}`);
    cursor.count(`an offset of ${name}`, fileBytes);
  }
}

/** The sizes that llama.cpp takes for granted. */
function checkShape(architecture: string, { numbers, lengths }: Metadata): void {
  const size = (key: string): number | undefined => numbers.get(`${architecture}.${key}`);
  const most: Readonly<Record<string, number>> = {
    context_length: 1 << 30,
    embedding_length: 1 << 24,
    block_count: 1 << 12,
    feed_forward_length: 1 << 26,
    "attention.head_count": 1 << 14,
    "attention.head_count_kv": 1 << 14,
    "attention.key_length": 1 << 16,
    "attention.value_length": 1 << 16,
    "rope.dimension_count": 1 << 16,
  };
  for (const [key, limit] of Object.entries(most)) {
    const value = size(key);
    if (value !== undefined && (value < 1 || value > limit)) throw new Impossible(`${key} = ${value}`);
  }
  if (architecture !== "apertus") return;
  const need = (key: string): number => {
    const value = size(key);
    if (value === undefined) throw new Impossible(`no ${architecture}.${key}`);
    return value;
  };
  const heads = need("attention.head_count");
  const layers = need("block_count");
  need("feed_forward_length");
  if (heads % (size("attention.head_count_kv") ?? heads) !== 0) {
    throw new Impossible("key/value heads that do not divide the heads");
  }
  const headDim = size("attention.key_length") ?? need("embedding_length") / heads;
  for (const key of ["attention.value_length", "rope.dimension_count"]) {
    if ((size(key) ?? headDim) !== headDim) throw new Impossible(`${key} other than the head's ${headDim}`);
  }
  if (headDim % 2 !== 0) throw new Impossible(`heads of dimension ${headDim}`);
  for (const key of ["alpha_n", "alpha_p", "beta", "eps"]) {
    if ((lengths.get(`xielu.${key}`) ?? layers) !== layers)
      throw new Impossible(`xielu.${key} not one per layer`);
  }
}

/** Reads the header in `bytes`, the first bytes of a file of `fileBytes`; throws `NeedMore` or `Impossible`. */
function parseHeader(bytes: Buffer, fileBytes: number): GgufHeader {
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
  const architecture = metadata.texts.get("general.architecture");
  if (architecture === undefined) throw new Impossible("no architecture");
  checkShape(architecture, metadata);
  const vocabSize = metadata.lengths.get(TOKEN_LIST) ?? 0;
  if (vocabSize === 0) throw new Impossible("no token list");
  return { architecture, vocabSize };
}

async function readHeader(handle: FileHandle, fileBytes: number): Promise<GgufHeader> {
  for (let length = FIRST_READ; ; length *= 4) {
    const wanted = Math.min(length, fileBytes, LARGEST_HEADER);
    const bytes = Buffer.alloc(wanted);
    let done = 0;
    while (done < wanted) {
      const { bytesRead } = await handle.read(bytes, done, wanted - done, done);
      if (bytesRead === 0) throw new Impossible("a file that shrinks while it is read");
      done += bytesRead;
    }
    try {
      return parseHeader(bytes, fileBytes);
    } catch (error) {
      if (!(error instanceof NeedMore)) throw error;
      if (wanted === LARGEST_HEADER) throw new Impossible("a header of more than 1 GiB");
    }
  }
}

/** Throws `GENERATE_GGUF` unless the header of the file at `path` is whole and its sizes are possible. */
export async function checkGguf(path: string): Promise<GgufHeader> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (error) {
    throw refuse(path, describeError(error), "Check the path.", error);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw refuse(path, "not a file", "Give the .gguf file itself, not its folder.");
    return await readHeader(handle, stat.size);
  } catch (error) {
    if (error instanceof Impossible) throw refuse(path, error.message, REBUILD, error);
    throw error;
  } finally {
    await handle.close();
  }
}
