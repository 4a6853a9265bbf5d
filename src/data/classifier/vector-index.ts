/**
 * @file Vectors that another program computed, by the SHA-256 of the text they stand for: read from Parquet once, row group
 * by row group, into two files beside the build, and then looked up on disk. Memory holds neither vectors nor keys, whatever
 * their number: keys are sorted in 256 parts (hashes spread evenly), and a look-up is a binary search by `pread`.
 */
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { readParquetInfo, readParquetRows } from "../../artifacts/index.ts";
import { assert, FirnError, type Work } from "../../core/index.ts";
import type { SourceFile } from "../resolve-source.ts";

/** Columns of a vector file. */
export const VECTOR_COLUMNS = { key: "sha256", vector: "vector" } as const;

const MAX_DIMENSIONS = 65_536;
const PARTS = 256;
const KEY_BYTES = 32;
/** A key and the number of its vector. */
const ENTRY_BYTES = KEY_BYTES + 8;
const BUFFERED_ENTRIES = 512;

/** Where vectors lie; plain data, so that threads can have it. */
export interface VectorIndex {
  readonly dir: string;
  readonly dimensions: number;
  readonly vectors: number;
}

const KEYS = "vectors.keys";
const VALUES = "vectors.f32";

function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}

function readAll(file: number, into: Uint8Array, position: number): void {
  for (let filled = 0; filled < into.length; ) {
    const count = readSync(file, into, filled, into.length - filled, position + filled);
    assert(count > 0, "the files of a vector index end where they should");
    filled += count;
  }
}

function wrong(where: string, expected: string, got: string): FirnError {
  return new FirnError("DATA_VECTORS", {
    expected,
    got,
    where,
    next: "Make the file again: a column `sha256` (64 hexadecimal digits) and a column `vector` (list of numbers, all of one length).",
  });
}

/** Keys on their way into parts, by their first byte. */
class KeyParts {
  readonly #dir: string;
  readonly #files: (number | undefined)[] = Array.from({ length: PARTS }, () => undefined);
  readonly #buffers = Array.from({ length: PARTS }, () => ({ bytes: Buffer.alloc(0), filled: 0 }));

  constructor(dir: string) {
    this.#dir = dir;
  }

  add(key: string, number: number): void {
    const part = Number.parseInt(key.slice(0, 2), 16);
    const buffer = this.#buffers[part]!;
    if (buffer.bytes.length === 0) buffer.bytes = Buffer.alloc(BUFFERED_ENTRIES * ENTRY_BYTES);
    buffer.bytes.write(key, buffer.filled, "hex");
    buffer.bytes.writeBigUInt64LE(BigInt(number), buffer.filled + KEY_BYTES);
    buffer.filled += ENTRY_BYTES;
    if (buffer.filled === buffer.bytes.length) this.#flush(part);
  }

  #flush(part: number): void {
    const buffer = this.#buffers[part]!;
    if (buffer.filled === 0) return;
    this.#files[part] ??= openSync(join(this.#dir, `part-${part}`), "w");
    writeAll(this.#files[part], buffer.bytes.subarray(0, buffer.filled));
    buffer.filled = 0;
  }

  /** Entries in the order of their keys, part by part. */
  *sorted(): Generator<Buffer[], void, void> {
    for (let part = 0; part < PARTS; part++) {
      this.#flush(part);
      if (this.#files[part] === undefined) continue;
      const path = join(this.#dir, `part-${part}`);
      const bytes = readFileSync(path);
      rmSync(path);
      const entries = Array.from({ length: bytes.length / ENTRY_BYTES }, (_, i) =>
        bytes.subarray(i * ENTRY_BYTES, (i + 1) * ENTRY_BYTES),
      );
      yield entries.sort((a, b) => a.compare(b, 0, KEY_BYTES, 0, KEY_BYTES));
    }
  }

  close(): void {
    for (const file of this.#files) if (file !== undefined) closeSync(file);
  }
}

/** The vector of a row, checked. */
function vectorOf(value: unknown, dimensions: number | undefined, where: string): Float32Array {
  const numbers = Array.isArray(value) || ArrayBuffer.isView(value) ? (value as ArrayLike<unknown>) : [];
  if (numbers.length === 0 || numbers.length > MAX_DIMENSIONS)
    throw wrong(where, `a list of 1 to ${MAX_DIMENSIONS} numbers`, `${numbers.length} values`);
  if (dimensions !== undefined && numbers.length !== dimensions)
    throw wrong(where, `${dimensions} numbers, as in the first row`, `${numbers.length}`);
  const vector = new Float32Array(numbers.length);
  for (let i = 0; i < vector.length; i++) {
    const number = numbers[i];
    vector[i] = typeof number === "number" ? number : Number.NaN;
    if (!Number.isFinite(vector[i]))
      throw wrong(where, "finite 32-bit numbers", `${String(number)} at place ${i}`);
  }
  return vector;
}

function sameVector(file: number, a: number, b: number, bytes: number): boolean {
  const [one, other] = [Buffer.alloc(bytes), Buffer.alloc(bytes)];
  readAll(file, one, a * bytes);
  readAll(file, other, b * bytes);
  return one.equals(other);
}

/**
 * Reads vector files into an index in `dir`, which is made. Keys that come twice must have the same vector.
 *
 * @throws FirnError `DATA_VECTORS` naming file and row; those of `readParquetRows`
 */
export async function indexVectors(
  files: readonly SourceFile[],
  dir: string,
  work: Pick<Work, "report" | "signal">,
): Promise<VectorIndex> {
  mkdirSync(dir, { recursive: true });
  let rows = 0;
  for (const { path } of files) rows += (await readParquetInfo(path)).rows;
  const task = work.report.task("index vectors", rows, "vectors");
  const values = openSync(join(dir, VALUES), "w+");
  const keys = openSync(join(dir, KEYS), "w");
  const parts = new KeyParts(dir);
  try {
    let dimensions: number | undefined;
    let count = 0;
    for (const { path } of files) {
      let row = 0;
      const columns = [VECTOR_COLUMNS.key, VECTOR_COLUMNS.vector];
      for await (const group of readParquetRows(path, { columns })) {
        work.signal.throwIfAborted();
        for (const { [VECTOR_COLUMNS.key]: key, [VECTOR_COLUMNS.vector]: value } of group) {
          row += 1;
          const where = `${path}, row ${row}`;
          if (typeof key !== "string" || !/^[0-9a-f]{64}$/.test(key))
            throw wrong(
              where,
              "the SHA-256 of a text as 64 small hexadecimal digits",
              String(key).slice(0, 80),
            );
          const vector = vectorOf(value, dimensions, where);
          dimensions ??= vector.length;
          writeAll(values, new Uint8Array(vector.buffer));
          parts.add(key, count);
          count += 1;
        }
        task.update(count);
      }
    }
    if (dimensions === undefined) throw wrong(files.map(({ path }) => path).join(", "), "vectors", "none");
    let distinct = 0;
    for (const entries of parts.sorted()) {
      const kept = entries.filter((entry, i) => {
        const before = entries[i - 1];
        if (before?.compare(entry, 0, KEY_BYTES, 0, KEY_BYTES) !== 0) return true;
        const [a, b] = [before, entry].map((one) => Number(one.readBigUInt64LE(KEY_BYTES)));
        if (sameVector(values, a!, b!, 4 * dimensions)) return false;
        throw wrong(entry.toString("hex", 0, KEY_BYTES), "one vector for each text", "two different ones");
      });
      distinct += kept.length;
      writeAll(keys, Buffer.concat(kept));
    }
    task.finish(`${distinct} vectors of ${dimensions} dimensions`);
    return { dir, dimensions, vectors: distinct };
  } finally {
    parts.close();
    closeSync(values);
    closeSync(keys);
  }
}

/** An open index. */
export class Vectors {
  readonly dimensions: number;
  readonly #count: number;
  readonly #keys: number;
  readonly #values: number;
  readonly #entry = Buffer.alloc(ENTRY_BYTES);

  constructor({ dir, dimensions }: VectorIndex) {
    this.dimensions = dimensions;
    this.#keys = openSync(join(dir, KEYS), "r");
    this.#values = openSync(join(dir, VALUES), "r");
    this.#count = fstatSync(this.#keys).size / ENTRY_BYTES;
  }

  /** The vector of the text with this SHA-256 (hexadecimal); `undefined` where there is none. */
  find(key: string): Float32Array | undefined {
    const wanted = Buffer.from(key, "hex");
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      readAll(this.#keys, this.#entry, middle * ENTRY_BYTES);
      const order = this.#entry.compare(wanted, 0, KEY_BYTES, 0, KEY_BYTES);
      if (order === 0) {
        const vector = new Float32Array(this.dimensions);
        const number = Number(this.#entry.readBigUInt64LE(KEY_BYTES));
        readAll(this.#values, new Uint8Array(vector.buffer), number * 4 * this.dimensions);
        return vector;
      }
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }

  close(): void {
    closeSync(this.#keys);
    closeSync(this.#values);
  }
}
