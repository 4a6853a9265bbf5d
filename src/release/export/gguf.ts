/**
 * @file GGUF version 3, the file format of llama.cpp: magic, counts, typed metadata, tensor table, then the tensors'
 * bytes, each aligned. Little-endian; strings are a 64-bit length and UTF-8. Dimensions are stored fastest first.
 * Source: ggml-org/ggml `docs/gguf.md`; ggml `gguf.h`.
 */
import { AtomicFile } from "../../artifacts/index.ts";
import { assert } from "../../core/index.ts";
import { encodeNumbers, fitsBlocks, GGUF_TYPES, type GgufTensorType } from "./gguf-types.ts";

const MAGIC = "GGUF";
const VERSION = 3;
const ALIGNMENT = 32;
/** Numbers encoded at once, in whole rows. */
const CHUNK = 1 << 20;

/** `gguf_type`: the type codes of metadata values used here. */
const VALUE_TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;

/** A typed metadata value. */
export type GgufValue =
  | { readonly type: "u32" | "i32" | "f32"; readonly value: number }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "i32s" | "f32s"; readonly value: readonly number[] }
  | { readonly type: "strings"; readonly value: readonly string[] };

/** A tensor to write; `shape` is row-major ([out, in]). */
export interface GgufTensor {
  readonly name: string;
  readonly type: GgufTensorType;
  readonly shape: readonly number[];
  /**
   * The numbers, asked for when their turn comes: at once, or in pieces of whole rows. Bytes (`Uint8Array`) are
   * written as they are: numbers that already have this type.
   */
  data(): Float32Array | AsyncIterable<Float32Array | Uint8Array>;
}

/** Grows a byte string; GGUF headers are a few MB at most. */
class Bytes {
  #buffer = Buffer.alloc(1 << 16);
  #length = 0;

  #room(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.alloc(2 ** Math.ceil(Math.log2(this.#length)));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    return at;
  }

  u8(value: number): void {
    const at = this.#room(1);
    this.#buffer.writeUInt8(value, at);
  }

  u32(value: number): void {
    const at = this.#room(4);
    this.#buffer.writeUInt32LE(value, at);
  }

  i32(value: number): void {
    const at = this.#room(4);
    this.#buffer.writeInt32LE(value, at);
  }

  f32(value: number): void {
    const at = this.#room(4);
    this.#buffer.writeFloatLE(value, at);
  }

  u64(value: number): void {
    const at = this.#room(8);
    this.#buffer.writeBigUInt64LE(BigInt(value), at);
  }

  text(value: string): void {
    const bytes = Buffer.from(value, "utf8");
    this.u64(bytes.length);
    const at = this.#room(bytes.length);
    bytes.copy(this.#buffer, at);
  }

  padTo(alignment: number): void {
    this.#room(padding(this.#length, alignment));
  }

  done(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}

const padding = (length: number, alignment: number): number => (alignment - (length % alignment)) % alignment;

function writeArray<T>(bytes: Bytes, type: number, values: readonly T[], write: (value: T) => void): void {
  bytes.u32(VALUE_TYPE.array);
  bytes.u32(type);
  bytes.u64(values.length);
  for (const value of values) write(value);
}

function writeValue(bytes: Bytes, entry: GgufValue): void {
  switch (entry.type) {
    case "u32":
    case "i32":
    case "f32":
      bytes.u32(VALUE_TYPE[entry.type]);
      bytes[entry.type](entry.value);
      return;
    case "bool":
      bytes.u32(VALUE_TYPE.bool);
      bytes.u8(entry.value ? 1 : 0);
      return;
    case "string":
      bytes.u32(VALUE_TYPE.string);
      bytes.text(entry.value);
      return;
    case "i32s":
      return writeArray(bytes, VALUE_TYPE.i32, entry.value, (value) => bytes.i32(value));
    case "f32s":
      return writeArray(bytes, VALUE_TYPE.f32, entry.value, (value) => bytes.f32(value));
    case "strings":
      return writeArray(bytes, VALUE_TYPE.string, entry.value, (value) => bytes.text(value));
  }
}

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Bytes that the tensor takes, without padding. */
export function tensorBytes({ type, shape }: Pick<GgufTensor, "type" | "shape">): number {
  const { block, blockBytes } = GGUF_TYPES[type];
  return (elements(shape) / block) * blockBytes;
}

function encodeHeader(metadata: ReadonlyMap<string, GgufValue>, tensors: readonly GgufTensor[]): Buffer {
  const bytes = new Bytes();
  for (const character of MAGIC) bytes.u8(character.charCodeAt(0));
  bytes.u32(VERSION);
  bytes.u64(tensors.length);
  bytes.u64(metadata.size);
  for (const [key, value] of metadata) {
    bytes.text(key);
    writeValue(bytes, value);
  }
  let offset = 0;
  const names = new Set<string>();
  for (const tensor of tensors) {
    assert(!names.has(tensor.name), `two tensors are called ${tensor.name}`);
    names.add(tensor.name);
    assert(
      fitsBlocks(tensor.type, tensor.shape.at(-1) ?? 1),
      `rows of ${tensor.name} do not fit ${tensor.type}`,
    );
    bytes.text(tensor.name);
    bytes.u32(tensor.shape.length);
    for (const size of tensor.shape.toReversed()) bytes.u64(size);
    bytes.u32(GGUF_TYPES[tensor.type].code);
    bytes.u64(offset);
    offset += tensorBytes(tensor);
    offset += padding(offset, ALIGNMENT);
  }
  bytes.padTo(ALIGNMENT);
  return bytes.done();
}

async function* piecesOf(tensor: GgufTensor): AsyncGenerator<Float32Array | Uint8Array> {
  const given = tensor.data();
  if (!(given instanceof Float32Array)) {
    yield* given;
    return;
  }
  const width = tensor.shape.at(-1) ?? 1;
  const step = width * Math.max(1, Math.floor(CHUNK / Math.max(width, 1)));
  for (let start = 0; start < given.length; start += step) yield given.subarray(start, start + step);
}

/** Writes the tensor's numbers; returns how many bytes they took. */
async function writeTensor(file: AtomicFile, tensor: GgufTensor): Promise<number> {
  const before = file.bytes;
  for await (const piece of piecesOf(tensor)) {
    const { buffer, byteOffset, byteLength } =
      piece instanceof Uint8Array ? piece : encodeNumbers(tensor, piece);
    await file.write(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return file.bytes - before;
}

/**
 * Writes a GGUF file atomically, a few MiB of a tensor in memory at a time, metadata and tensors in the given order: the
 * same input gives the same bytes. `onWritten` is called after every tensor with the bytes written so far.
 *
 * @throws FirnError `RELEASE_NOT_FINITE`, `RELEASE_QUANTISER`, `DISK_FULL`, `DISK_DENIED`
 */
export async function writeGguf(
  path: string,
  metadata: ReadonlyMap<string, GgufValue>,
  tensors: readonly GgufTensor[],
  onWritten: (bytes: number) => void = () => undefined,
): Promise<void> {
  const file = await AtomicFile.create(path);
  try {
    await file.write(encodeHeader(metadata, tensors));
    for (const tensor of tensors) {
      const expected = tensorBytes(tensor);
      const written = await writeTensor(file, tensor);
      assert(written === expected, `tensor ${tensor.name} does not fill its shape`);
      await file.write(new Uint8Array(padding(expected, ALIGNMENT)));
      onWritten(file.bytes);
    }
    await file.commit();
  } catch (error) {
    await file.abandon();
    throw error;
  }
}
