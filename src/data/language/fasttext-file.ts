/**
 * @file fastText's model files (`.bin`, and `.ftz` with product quantization; Joulin et al. 2016), read as they are: GlotLID,
 * OpenLID, lid.176, or whatever `fasttext supervised` wrote. Tables lie in memory that threads share. Layout after
 * fastText 0.9.2: `FastText::loadModel`, `Dictionary::load`, `DenseMatrix::load`, `QuantMatrix::load`.
 */
import { type FileHandle, open } from "node:fs/promises";
import { FirnError } from "../../core/index.ts";
import { allocateKernel, type KernelTables, packOutput } from "./fasttext-kernel.ts";

const MAGIC = 793_712_314;
const VERSIONS = [11, 12];
const SUPERVISED = 3;
const LOSSES = { 1: "hierarchical", 2: "logistic", 3: "softmax", 4: "logistic" } as const;
const MAX_DIMENSION = 4096;
const MAX_ENTRIES = 50_000_000;
/** Values per part of a product quantizer. */
export const CENTROIDS = 256;

/** Rows of numbers, as they are or quantized. */
export type Matrix =
  | { readonly kind: "dense"; readonly rows: number; readonly columns: number; readonly values: Float32Array }
  | {
      readonly kind: "quantized";
      readonly rows: number;
      readonly columns: number;
      readonly codes: Uint8Array;
      readonly quantizer: Quantizer;
      readonly norms: { readonly codes: Uint8Array; readonly quantizer: Quantizer } | undefined;
    };

export interface Quantizer {
  readonly parts: number;
  /** Columns per part, and of the last one. */
  readonly width: number;
  readonly lastWidth: number;
  readonly centroids: Float32Array;
}

/** A model as it lies in its file; plain data and shared buffers. */
export interface FastTextTables {
  readonly loss: (typeof LOSSES)[keyof typeof LOSSES];
  readonly wordNgrams: number;
  readonly buckets: number;
  readonly minCharacters: number;
  readonly maxCharacters: number;
  readonly words: number;
  /** The bytes of all words, one after the other, and where each begins. */
  readonly wordBytes: Uint8Array;
  readonly wordOffsets: Uint32Array;
  readonly labels: readonly string[];
  readonly labelCounts: readonly number[];
  /** Bucket → row, for models from which rows were pruned; `undefined` when none was. */
  readonly pruned: ReadonlyMap<number, number> | undefined;
  readonly input: Matrix;
  readonly output: Matrix;
  /** The same numbers where the kernel finds them; `undefined` for models that it cannot hold. */
  readonly kernel: KernelTables | undefined;
}

/** Reads forward through a file. */
class Cursor {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #size: number;
  #at = 0;
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(file: FileHandle, path: string, size: number) {
    this.#file = file;
    this.#path = path;
    this.#size = size;
  }

  broken(got: string): FirnError {
    return new FirnError("DATA_FASTTEXT_BROKEN", {
      expected: "a supervised fastText model (.bin or .ftz)",
      got,
      where: `${this.#path}, byte ${this.#at}`,
      next: "Name a model that fastText's `supervised` or `quantize` wrote, or fetch the file again.",
    });
  }

  check(right: boolean, got: string): void {
    if (!right) throw this.broken(got);
  }

  /** The next `count` bytes, from a window of the file. */
  async #take(count: number): Promise<{ bytes: Buffer; from: number }> {
    this.check(this.#at + count <= this.#size, "a file that ends too early");
    if (this.#at < this.#start || this.#at + count > this.#start + this.#buffer.length) {
      const window = Buffer.alloc(Math.min(Math.max(count, 1 << 20), this.#size - this.#at));
      await this.#fill(window, this.#at);
      this.#buffer = window;
      this.#start = this.#at;
    }
    const from = this.#at - this.#start;
    this.#at += count;
    return { bytes: this.#buffer, from };
  }

  async #fill(target: Uint8Array, position: number): Promise<void> {
    for (let filled = 0; filled < target.length; ) {
      const length = Math.min(target.length - filled, 1 << 30);
      const { bytesRead } = await this.#file.read(target, filled, length, position + filled);
      this.check(bytesRead > 0, "a file that got shorter");
      filled += bytesRead;
    }
  }

  async int8(): Promise<number> {
    const { bytes, from } = await this.#take(1);
    return bytes.readInt8(from);
  }
  async int32(): Promise<number> {
    const { bytes, from } = await this.#take(4);
    return bytes.readInt32LE(from);
  }
  async int64(): Promise<number> {
    const { bytes, from } = await this.#take(8);
    return Number(bytes.readBigInt64LE(from));
  }
  async skip(count: number): Promise<void> {
    await this.#take(count);
  }
  /** Bytes up to the next zero. */
  async text(): Promise<Buffer> {
    const parts: number[] = [];
    for (let byte = await this.int8(); byte !== 0; byte = await this.int8()) {
      this.check(parts.length < 100_000, "a word of more than 100,000 bytes");
      parts.push(byte & 0xff);
    }
    return Buffer.from(parts);
  }

  /** `count` bytes in memory of their own that threads can share. */
  async shared(count: number): Promise<SharedArrayBuffer> {
    this.checkLeft(count);
    const memory = new SharedArrayBuffer(count);
    await this.fill(new Uint8Array(memory));
    return memory;
  }

  /** That the file goes on for so long, before memory is taken for it. */
  checkLeft(count: number): void {
    this.check(count >= 0 && this.#at + count <= this.#size, "a table larger than the file");
  }

  async fill(target: Uint8Array): Promise<void> {
    await this.#fill(target, this.#at);
    this.#at += target.length;
  }
}

async function readQuantizer(cursor: Cursor): Promise<Quantizer> {
  const columns = await cursor.int32();
  const parts = await cursor.int32();
  const width = await cursor.int32();
  const lastWidth = await cursor.int32();
  const right = columns > 0 && columns <= MAX_DIMENSION && parts > 0 && width > 0 && lastWidth > 0;
  cursor.check(right && (parts - 1) * width + lastWidth === columns, "a quantizer of impossible shape");
  return {
    parts,
    width,
    lastWidth,
    centroids: new Float32Array(await cursor.shared(columns * CENTROIDS * 4)),
  };
}

async function readShape(cursor: Cursor): Promise<{ rows: number; columns: number }> {
  const rows = await cursor.int64();
  const columns = await cursor.int64();
  const right = rows >= 0 && rows <= MAX_ENTRIES * 4 && columns > 0 && columns <= MAX_DIMENSION;
  cursor.check(right, `a matrix of ${rows} × ${columns}`);
  return { rows, columns };
}

async function readMatrix(cursor: Cursor, quantized: boolean): Promise<Matrix> {
  if (!quantized) {
    const { rows, columns } = await readShape(cursor);
    return {
      kind: "dense",
      rows,
      columns,
      values: new Float32Array(await cursor.shared(rows * columns * 4)),
    };
  }
  const withNorms = (await cursor.int8()) !== 0;
  const { rows, columns } = await readShape(cursor);
  const size = await cursor.int32();
  const codes = new Uint8Array(await cursor.shared(size));
  const quantizer = await readQuantizer(cursor);
  cursor.check(size === rows * quantizer.parts, "codes that do not fit their matrix");
  const norms = withNorms
    ? { codes: new Uint8Array(await cursor.shared(rows)), quantizer: await readQuantizer(cursor) }
    : undefined;
  return { kind: "quantized", rows, columns, codes, quantizer, norms };
}

/** The input, in the kernel's memory where it fits there. */
async function readInput(
  cursor: Cursor,
  quantized: boolean,
  labels: number,
): Promise<{ input: Matrix; kernel: KernelTables | undefined }> {
  if (quantized) {
    const input = await readMatrix(cursor, true);
    return { input, kernel: allocateKernel(input.columns, labels, 0) };
  }
  const { rows, columns } = await readShape(cursor);
  const bytes = rows * columns * 4;
  cursor.checkLeft(bytes);
  const kernel = allocateKernel(columns, labels, bytes);
  const values =
    kernel === undefined
      ? new Float32Array(new SharedArrayBuffer(bytes))
      : new Float32Array(kernel.memory.buffer, kernel.inputAt, rows * columns);
  await cursor.fill(new Uint8Array(values.buffer, values.byteOffset, bytes));
  return { input: { kind: "dense", rows, columns, values }, kernel };
}

type Dictionary = Pick<
  FastTextTables,
  "words" | "wordBytes" | "wordOffsets" | "labels" | "labelCounts" | "pruned"
>;

async function readDictionary(cursor: Cursor): Promise<Dictionary> {
  const size = await cursor.int32();
  const words = await cursor.int32();
  const labelCount = await cursor.int32();
  cursor.check(
    size >= 0 && size <= MAX_ENTRIES && words >= 0 && words + labelCount === size,
    "an impossible dictionary",
  );
  cursor.check(labelCount > 0, "a model without labels");
  await cursor.skip(8);
  const prunedSize = await cursor.int64();
  const pieces: Buffer[] = [];
  const wordOffsets = new Uint32Array(new SharedArrayBuffer((words + 1) * 4));
  const labels: string[] = [];
  const labelCounts: number[] = [];
  for (let entry = 0; entry < size; entry++) {
    const text = await cursor.text();
    const count = await cursor.int64();
    const isLabel = (await cursor.int8()) !== 0;
    cursor.check(isLabel === entry >= words, "words and labels in disorder");
    if (isLabel) {
      labels.push(text.toString());
      // fastText builds its tree with 1e15 for nodes that are not there yet: a label of more would be its own parent.
      cursor.check(count >= 0 && count < 1e15, "a label that was counted too often");
      labelCounts.push(count);
    } else {
      pieces.push(text);
      wordOffsets[entry + 1] = wordOffsets[entry]! + text.length;
    }
  }
  const wordBytes = new Uint8Array(new SharedArrayBuffer(wordOffsets[words]));
  for (const [i, piece] of pieces.entries()) wordBytes.set(piece, wordOffsets[i]);
  let pruned: Map<number, number> | undefined;
  if (prunedSize >= 0) {
    cursor.check(prunedSize <= MAX_ENTRIES, "an impossible table of pruned rows");
    pruned = new Map();
    for (let i = 0; i < prunedSize; i++) {
      const [bucket, row] = [await cursor.int32(), await cursor.int32()];
      cursor.check(row >= 0 && row < prunedSize, "an impossible pruned row");
      pruned.set(bucket, row);
    }
  }
  return { words, wordBytes, wordOffsets, labels, labelCounts, pruned };
}

/**
 * Reads the model at `path` whole.
 *
 * @throws FirnError `DATA_FASTTEXT_BROKEN` for anything but a supervised model; the system's own error when the file
 *   cannot be opened
 */
export async function readFastText(path: string): Promise<FastTextTables> {
  const file = await open(path, "r");
  try {
    const cursor = new Cursor(file, path, (await file.stat()).size);
    cursor.check((await cursor.int32()) === MAGIC, "another kind of file");
    const version = await cursor.int32();
    cursor.check(VERSIONS.includes(version), `version ${version}`);
    const dimension = await cursor.int32();
    await cursor.skip(4 * 4);
    const wordNgrams = await cursor.int32();
    const loss = LOSSES[(await cursor.int32()) as keyof typeof LOSSES];
    const model = await cursor.int32();
    const buckets = await cursor.int32();
    const minCharacters = await cursor.int32();
    const maxCharacters = await cursor.int32();
    await cursor.skip(4 + 8);
    cursor.check(model === SUPERVISED && loss !== undefined, "a model of word vectors, without labels");
    cursor.check(buckets >= 0 && maxCharacters <= 100 && wordNgrams <= 100, "impossible settings");
    const dictionary = await readDictionary(cursor);
    const quantized = (await cursor.int8()) !== 0;
    const { input, kernel } = await readInput(cursor, quantized, dictionary.labels.length);
    const outputQuantized = (await cursor.int8()) !== 0;
    const output = await readMatrix(cursor, quantized && outputQuantized);
    cursor.check(input.columns === dimension && output.columns === dimension, "matrices of different width");
    cursor.check(
      output.rows >= dictionary.labels.length - (loss === "hierarchical" ? 1 : 0),
      "too few labels' rows",
    );
    const rows = dictionary.words + (dictionary.pruned === undefined ? buckets : dictionary.pruned.size);
    cursor.check(
      input.rows >= (maxCharacters > 0 || wordNgrams > 1 ? rows : dictionary.words),
      "too few rows",
    );
    if (kernel !== undefined && output.kind === "dense" && loss !== "hierarchical")
      packOutput(kernel, output.values);
    return {
      loss,
      wordNgrams,
      buckets,
      minCharacters,
      // Version 11 had no character n-grams in supervised models.
      maxCharacters: version === 11 ? 0 : maxCharacters,
      ...dictionary,
      input,
      output,
      kernel,
    };
  } finally {
    await file.close();
  }
}
