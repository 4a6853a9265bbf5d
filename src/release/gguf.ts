/**
 * @file GGUF version 3, the file format of llama.cpp: magic, counts, typed metadata, tensor table, then the tensors'
 * bytes, each aligned. Little-endian; strings are a 64-bit length and UTF-8. Dimensions are stored fastest first.
 * Source: ggml-org/ggml `docs/gguf.md`; ggml `gguf.h`.
 */
import { AtomicFile, float32ToBfloat16, float32ToFloat16 } from "../artifacts/index.ts";
import { assert } from "../core/index.ts";
import { Q8_0_BLOCK, Q8_0_BLOCK_BYTES, quantizeQ8_0 } from "./q8-0.ts";

const MAGIC = "GGUF";
const VERSION = 3;
const ALIGNMENT = 32;
/** Numbers encoded at once; a multiple of every block size. */
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

/** `ggml_type` codes and `llama_ftype` codes of the tensor types written here. */
const TENSOR_TYPE = {
  F32: { code: 0, fileType: 0, block: 1, blockBytes: 4 },
  F16: { code: 1, fileType: 1, block: 1, blockBytes: 2 },
  BF16: { code: 30, fileType: 32, block: 1, blockBytes: 2 },
  Q8_0: { code: 8, fileType: 7, block: Q8_0_BLOCK, blockBytes: Q8_0_BLOCK_BYTES },
} as const;
export type GgufTensorType = keyof typeof TENSOR_TYPE;

/** The value of `general.file_type` for a file whose matrices are of this type. */
export function ggufFileType(type: GgufTensorType): number {
  return TENSOR_TYPE[type].fileType;
}

/** Whether rows of `length` numbers can be stored in this type. */
export function fitsBlocks(type: GgufTensorType, length: number): boolean {
  return length % TENSOR_TYPE[type].block === 0;
}

/** A tensor to write; `shape` is row-major ([out, in]), `data` is called when its turn comes. */
export interface GgufTensor {
  readonly name: string;
  readonly type: GgufTensorType;
  readonly shape: readonly number[];
  data(): Promise<Float32Array> | Float32Array;
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

function tensorBytes({ type, shape }: GgufTensor): number {
  const { block, blockBytes } = TENSOR_TYPE[type];
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
    bytes.u32(TENSOR_TYPE[tensor.type].code);
    bytes.u64(offset);
    offset += tensorBytes(tensor);
    offset += padding(offset, ALIGNMENT);
  }
  bytes.padTo(ALIGNMENT);
  return bytes.done();
}

function encodeNumbers(type: GgufTensorType, values: Float32Array): ArrayBufferView {
  switch (type) {
    case "F32":
      return values;
    case "F16":
      return float32ToFloat16(values);
    case "BF16":
      return float32ToBfloat16(values);
    case "Q8_0":
      return quantizeQ8_0(values);
  }
}

/**
 * Writes a GGUF file atomically, one tensor in memory at a time, metadata and tensors in the given order: the same
 * input gives the same bytes. Throws `DISK_FULL` or `DISK_DENIED` when the disk refuses.
 */
export async function writeGguf(
  path: string,
  metadata: ReadonlyMap<string, GgufValue>,
  tensors: readonly GgufTensor[],
): Promise<void> {
  const file = await AtomicFile.create(path);
  try {
    await file.write(encodeHeader(metadata, tensors));
    for (const tensor of tensors) {
      const values = await tensor.data();
      assert(values.length === elements(tensor.shape), `tensor ${tensor.name} does not fill its shape`);
      for (let start = 0; start < values.length; start += CHUNK) {
        const { buffer, byteOffset, byteLength } = encodeNumbers(
          tensor.type,
          values.subarray(start, start + CHUNK),
        );
        await file.write(new Uint8Array(buffer, byteOffset, byteLength));
      }
      await file.write(new Uint8Array(padding(tensorBytes(tensor), ALIGNMENT)));
    }
    await file.commit();
  } catch (error) {
    await file.abandon();
    throw error;
  }
}
