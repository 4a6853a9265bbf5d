/**
 * @file Reads a GGUF's whole header before llama.cpp gets the file. llama.cpp ends the process on some impossible
 * values and its wrapper can loop for hours on a wrong count; here a wrong file becomes an error that says what is
 * wrong. Format: ggml-org/ggml `docs/gguf.md`.
 */
import { type FileHandle, open } from "node:fs/promises";
import { describeError, FirnError } from "../core/index.ts";
import {
  FLOAT,
  Impossible,
  INT,
  type Metadata,
  NeedMore,
  parseTables,
  SHORT,
  STRING,
  TOKEN_LIST,
  UINT,
} from "./gguf-header.ts";

/** What the header of a GGUF says. */
export interface GgufHeader {
  readonly architecture: string;
  /** Entries of the token list. */
  readonly vocabSize: number;
  /** Files that the model lies in; this is the first of them. */
  readonly parts: number;
}

const FIRST_READ = 4 << 20;
const LARGEST_HEADER = 1 << 30;
const REBUILD = "Download or export the file again.";

function refuse(path: string, got: string, next: string, cause?: unknown): FirnError {
  return new FirnError("GENERATE_GGUF", {
    expected: "a GGUF model file, version 2 or 3",
    got,
    where: path,
    next,
    cause,
  });
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

/** `LLAMA_MAX_EXPERTS`. */
const MOST_EXPERTS = 512;
const ROPE_SCALINGS = ["none", "linear", "yarn", "longrope"];

/** What llama.cpp asserts of a model of any architecture (`llama_model_base::load_hparams`). */
function checkAsserted(architecture: string, { scalars, arrays, texts, numbers }: Metadata): void {
  const size = (key: string): number => numbers.get(`${architecture}.${key}`) ?? 0;
  const within = (key: string, least: number, most: number): void => {
    const value = size(key);
    if (value < least || value > most) throw new Impossible(`${key} = ${value}`);
  };
  const experts = size("expert_count");
  const groups = size("expert_group_count");
  if (arrays.has(`${architecture}.expert_used_count`)) throw new Impossible("expert_used_count as a list");
  within("expert_count", 0, MOST_EXPERTS);
  within("expert_used_count", Math.min(1, experts), experts);
  within("expert_group_count", 0, Math.max(0, experts - 1));
  if (groups > 1) {
    within("expert_group_used_count", 1, groups - 1);
    if (experts % groups !== 0) throw new Impossible(`${experts} experts in ${groups} groups`);
  }
  for (const key of ["nextn_predict_layers", "posnet.block_count", "convnext.block_count"])
    within(key, 0, size("block_count"));
  for (const [key, type] of scalars) {
    const value = numbers.get(key) ?? 0;
    if (type !== FLOAT || !key.startsWith(`${architecture}.`)) continue;
    if (!Number.isFinite(value) || (key.endsWith("epsilon") && value < 0))
      throw new Impossible(`${key} = ${value}`);
  }
  const heads = `${architecture}.attention.head_count`;
  const hasHeads = ["head_count_kv", "key_length", "value_length"].some((key) =>
    scalars.has(`${architecture}.attention.${key}`),
  );
  if (hasHeads && !scalars.has(heads) && !arrays.has(heads)) throw new Impossible(`no ${heads}`);
  const scaling = `${architecture}.rope.scaling.type`;
  if (scalars.has(scaling) && !ROPE_SCALINGS.includes(texts.get(scaling) ?? ""))
    throw new Impossible(`rope.scaling.type = ${texts.get(scaling) ?? "no text"}`);
}

/** Tokenizers that llama.cpp runs; of `llama`'s kind each byte is a token, which it looks up without asking. */
const TOKENIZERS = ["gpt2", "llama", "bert", "t5", "gemma4", "plamo2"];

function checkTokenizer({ texts, arrays, lengths, tokens }: Metadata): void {
  const kind = texts.get("tokenizer.ggml.model");
  if (kind === undefined || !TOKENIZERS.includes(kind))
    throw new Impossible(`a tokenizer of kind ${kind ?? "nothing"}`);
  if (kind === "llama") {
    for (let byte = 0; byte < 256; byte++) {
      const name = `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
      if (!tokens.has(name) && !tokens.has(String.fromCharCode(byte)))
        throw new Impossible(`a tokenizer without the byte ${name}`);
    }
  }
  const perToken: Readonly<Record<string, readonly number[]>> = { scores: [FLOAT], token_type: [INT, UINT] };
  for (const [key, types] of Object.entries(perToken)) {
    const name = `tokenizer.ggml.${key}`;
    const type = arrays.get(name);
    if (type === undefined) continue;
    if (!types.includes(type) || lengths.get(name) !== tokens.size)
      throw new Impossible(`${name} not one number per token`);
  }
  const merges = arrays.get("tokenizer.ggml.merges");
  if (merges !== undefined && merges !== STRING) throw new Impossible("merges that are no texts");
}

/** Reads the header in `bytes`; throws `NeedMore` or `Impossible`. */
function parseHeader(bytes: Buffer, fileBytes: number): GgufHeader {
  const metadata = parseTables(bytes, fileBytes);
  const architecture = metadata.texts.get("general.architecture");
  if (architecture === undefined) throw new Impossible("no architecture");
  checkShape(architecture, metadata);
  checkAsserted(architecture, metadata);
  checkTokenizer(metadata);
  const vocabSize = metadata.lengths.get(TOKEN_LIST) ?? 0;
  if (vocabSize === 0) throw new Impossible("no token list");
  return { architecture, vocabSize, parts: readParts(metadata, 0) };
}

/** A further part of a model in several files: a header of its own, with tensors only. */
function parsePart(bytes: Buffer, fileBytes: number, index: number): number {
  return readParts(parseTables(bytes, fileBytes), index);
}

/** In how many files the model lies, of which this is one. llama.cpp takes the type of these keys for granted. */
function readParts({ scalars, arrays, numbers }: Metadata, index: number): number {
  for (const key of ["split.count", "split.no"]) {
    const type = scalars.get(key);
    if (arrays.has(key) || (type !== undefined && type !== SHORT))
      throw new Impossible(`${key} of another type`);
  }
  if ((numbers.get("split.no") ?? 0) !== index)
    throw new Impossible(`part ${numbers.get("split.no")} of a model instead of part ${index}`);
  return Math.max(1, numbers.get("split.count") ?? 1);
}

/** Reads as much of the file as `parse` needs. */
async function readHeader<T>(
  handle: FileHandle,
  fileBytes: number,
  parse: (bytes: Buffer, fileBytes: number) => T,
): Promise<T> {
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
      return parse(bytes, fileBytes);
    } catch (error) {
      if (!(error instanceof NeedMore)) throw error;
      if (wanted === LARGEST_HEADER) throw new Impossible("a header of more than 1 GiB");
    }
  }
}

/** Opens the file at `path` and reads its header. Throws `GENERATE_GGUF`. */
async function checkFile<T>(path: string, parse: (bytes: Buffer, fileBytes: number) => T): Promise<T> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (error) {
    throw refuse(path, describeError(error), "Check the path.", error);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw refuse(path, "not a file", "Give the .gguf file itself, not its folder.");
    return await readHeader(handle, stat.size, parse);
  } catch (error) {
    if (error instanceof Impossible) throw refuse(path, error.message, REBUILD, error);
    throw error;
  } finally {
    await handle.close();
  }
}

/** Where llama.cpp looks for the other parts of a model (`llama_split_path`). */
function partPath(path: string, index: number, parts: number): string {
  const five = (number: number): string => String(number).padStart(5, "0");
  const ending = `-${five(1)}-of-${five(parts)}.gguf`;
  if (!path.endsWith(ending))
    throw refuse(path, `a name that does not end in ${ending}`, "Give the first part under its own name.");
  return `${path.slice(0, -ending.length)}-${five(index + 1)}-of-${five(parts)}.gguf`;
}

/** Throws `GENERATE_GGUF` unless the headers of the file at `path`, and of its other parts, are whole and their sizes possible. */
export async function checkGguf(path: string): Promise<GgufHeader> {
  const header = await checkFile(path, parseHeader);
  for (let index = 1; index < header.parts; index++) {
    await checkFile(partPath(path, index, header.parts), (bytes, fileBytes) =>
      parsePart(bytes, fileBytes, index),
    );
  }
  return header;
}
