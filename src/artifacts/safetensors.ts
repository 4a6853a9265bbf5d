/**
 * @file Safetensors, the file format of Hugging Face weights: an 8-byte little-endian header length, a JSON header
 * padded with spaces to a multiple of 8 (name → dtype, shape, byte range), then the tensors' bytes without gaps.
 * Source: huggingface/safetensors, README "Format" and `safetensors/src/tensor.rs` (order of tensors, checks).
 *
 * The writer gives the same bytes for the same tensors in any order. The reader trusts nothing: every length,
 * range and overlap is checked before a byte of data is read.
 */
import { type FileHandle, open } from "node:fs/promises";
import { z } from "zod";
import { assert, FirnError, systemErrorCode } from "../core/index.ts";
import { AtomicFile } from "./atomic.ts";
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16 } from "./half-precision.ts";

const ELEMENT_BYTES = { I64: 8, F32: 4, F16: 2, BF16: 2 } as const;
/** Dtypes this reader understands; others may stand in a file as long as nobody asks for them. */
export type SafetensorsDtype = keyof typeof ELEMENT_BYTES;

/** Header limit of the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;
/** Elements converted or written at once: bounds the writer's extra memory to a few MiB. */
const CHUNK_ELEMENTS = 1 << 20;

type TensorData = Float32Array | BigInt64Array;

/** One tensor to write; `data` may be a function so that only one tensor need be in memory at a time. */
export interface TensorSource {
  readonly name: string;
  /** `BF16` rounds the given float32 values to nearest even. */
  readonly dtype: "F32" | "BF16" | "I64";
  readonly shape: readonly number[];
  readonly data: TensorData | (() => TensorData | Promise<TensorData>);
}

/** Where a tensor lies; `begin` and `end` are byte offsets in the file. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Largest alignment first, then by name: the reference implementation's order. */
function inFileOrder(tensors: readonly TensorSource[]): TensorSource[] {
  return [...tensors].sort(
    (a, b) =>
      ELEMENT_BYTES[b.dtype] - ELEMENT_BYTES[a.dtype] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}

function encodeHeader(tensors: readonly TensorSource[], metadata: Readonly<Record<string, string>>): Buffer {
  const sortedMetadata = Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
  const members = [`"__metadata__":${JSON.stringify(sortedMetadata)}`];
  const names = new Set<string>(["__metadata__"]);
  let offset = 0;
  for (const { name, dtype, shape } of tensors) {
    assert(!names.has(name), `two tensors are called ${name}`);
    names.add(name);
    const end = offset + elementCount(shape) * ELEMENT_BYTES[dtype];
    members.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [offset, end] })}`);
    offset = end;
  }
  let json = `{${members.join(",")}}`;
  json += " ".repeat((8 - (Buffer.byteLength(json) % 8)) % 8);
  const header = Buffer.alloc(8 + Buffer.byteLength(json));
  header.writeBigUInt64LE(BigInt(header.length - 8), 0);
  header.write(json, 8);
  return header;
}

async function* encodeData(tensor: TensorSource): AsyncGenerator<Uint8Array> {
  const values = typeof tensor.data === "function" ? await tensor.data() : tensor.data;
  assert(values.length === elementCount(tensor.shape), `tensor ${tensor.name} does not fill its shape`);
  assert(
    values instanceof BigInt64Array === (tensor.dtype === "I64"),
    `tensor ${tensor.name} does not hold what its dtype says`,
  );
  for (let start = 0; start < values.length; start += CHUNK_ELEMENTS) {
    const part = values.subarray(start, start + CHUNK_ELEMENTS);
    const encoded = tensor.dtype === "BF16" ? float32ToBfloat16(part as Float32Array) : part;
    yield new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  }
}

/**
 * Writes `tensors` to `path` atomically: the file is absent, the old one, or the whole new one. Throws `DISK_FULL`
 * or `DISK_DENIED` when the disk refuses.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorSource[],
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Promise<void> {
  const ordered = inFileOrder(tensors);
  const header = encodeHeader(ordered, metadata);
  const file = await AtomicFile.create(path);
  try {
    await file.write(header);
    for (const tensor of ordered) {
      for await (const bytes of encodeData(tensor)) await file.write(bytes);
    }
    await file.commit();
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

function broken(path: string, expected: string, got: string, cause?: unknown): FirnError {
  return new FirnError("ARTIFACT_SAFETENSORS_BROKEN", {
    expected,
    got,
    where: path,
    next: "The file is damaged or not safetensors: rebuild it or download it again.",
    cause,
  });
}

const size = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(size).max(32),
  data_offsets: z.tuple([size, size]),
});
const metadataSchema = z.record(z.string(), z.string());

function parseHeader(path: string, header: Buffer, fileBytes: number) {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(header));
  } catch (error) {
    throw broken(path, "a JSON header", "bytes that are not JSON", error);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw broken(path, "a JSON object as header", "another JSON value");
  }
  const dataStart = 8 + header.length;
  const tensors: TensorInfo[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (name === "__metadata__") {
      const result = metadataSchema.safeParse(value);
      if (!result.success) throw broken(path, "text values in __metadata__", "others", result.error);
      metadata = result.data;
      continue;
    }
    const result = entrySchema.safeParse(value);
    if (!result.success)
      throw broken(path, `dtype, shape and data_offsets of ${name}`, "others", result.error);
    const { dtype, shape, data_offsets } = result.data;
    const [begin, end] = data_offsets;
    if (begin > end || dataStart + end > fileBytes) {
      throw broken(
        path,
        `${name} inside the file (${fileBytes} bytes)`,
        `bytes ${begin} to ${end} of the data`,
      );
    }
    const width = dtype in ELEMENT_BYTES ? ELEMENT_BYTES[dtype as SafetensorsDtype] : undefined;
    if (width !== undefined && elementCount(shape) * width !== end - begin) {
      throw broken(path, `${name} [${shape.join(", ")}] ${dtype} to fill its bytes`, `${end - begin} bytes`);
    }
    tensors.push({ name, dtype, shape, begin: dataStart + begin, end: dataStart + end });
  }
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = dataStart;
  for (const tensor of tensors) {
    if (tensor.begin !== position) {
      throw broken(path, "tensors without gaps or overlaps", `${tensor.name} at byte ${tensor.begin}`);
    }
    position = tensor.end;
  }
  if (position !== fileBytes) throw broken(path, `a file of ${position} bytes`, `${fileBytes} bytes`);
  return { tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])), metadata };
}

async function readExactly(handle: FileHandle, path: string, buffer: Uint8Array, at: number): Promise<void> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await handle.read(buffer, done, Math.min(buffer.length - done, 1 << 30), at + done);
    if (bytesRead === 0)
      throw broken(path, `${buffer.length} bytes at ${at}`, `${done}: the file has shrunk`);
    done += bytesRead;
  }
}

/** An open safetensors file: the header is in memory, tensors are read when asked for. */
export class SafetensorsFile {
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Name → place, in file order. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #handle: FileHandle;

  private constructor(
    path: string,
    handle: FileHandle,
    header: { tensors: ReadonlyMap<string, TensorInfo>; metadata: Readonly<Record<string, string>> },
  ) {
    this.path = path;
    this.#handle = handle;
    this.tensors = header.tensors;
    this.metadata = header.metadata;
  }

  /** Throws `ARTIFACT_SAFETENSORS_MISSING` or `ARTIFACT_SAFETENSORS_BROKEN`. */
  static async open(path: string): Promise<SafetensorsFile> {
    let handle: FileHandle;
    try {
      handle = await open(path, "r");
    } catch (error) {
      throw new FirnError("ARTIFACT_SAFETENSORS_MISSING", {
        expected: "a readable safetensors file",
        got: systemErrorCode(error) ?? "an error",
        where: path,
        next: "Check the path; a folder of weights holds a file model.safetensors.",
        cause: error,
      });
    }
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw broken(path, "a file", "something else");
      if (stat.size < 8) throw broken(path, "at least 8 bytes", `${stat.size}`);
      const length = Buffer.alloc(8);
      await readExactly(handle, path, length, 0);
      const headerBytes = length.readBigUInt64LE();
      if (headerBytes > BigInt(Math.min(MAX_HEADER_BYTES, stat.size - 8))) {
        throw broken(
          path,
          `a header inside the file (${stat.size} bytes)`,
          `a header of ${headerBytes} bytes`,
        );
      }
      const header = Buffer.alloc(Number(headerBytes));
      await readExactly(handle, path, header, 8);
      return new SafetensorsFile(path, handle, parseHeader(path, header, stat.size));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The place of `name`. Throws `ARTIFACT_SAFETENSORS_TENSOR` when the file has no such tensor. */
  info(name: string): TensorInfo {
    const info = this.tensors.get(name);
    if (info !== undefined) return info;
    throw new FirnError("ARTIFACT_SAFETENSORS_TENSOR", {
      expected: `a tensor ${name}`,
      got: `${this.tensors.size} tensors of other names`,
      where: this.path,
      next: "The file belongs to another model shape: check its config.json.",
    });
  }

  /** Reads one tensor: I64 as it is, F32 as it is, F16 and BF16 widened to float32 (exact). */
  async tensor(name: string): Promise<Float32Array | BigInt64Array> {
    const { dtype, begin, end } = this.info(name);
    const bytes = new Uint8Array(end - begin);
    switch (dtype) {
      case "I64":
        await readExactly(this.#handle, this.path, bytes, begin);
        return new BigInt64Array(bytes.buffer);
      case "F32":
        await readExactly(this.#handle, this.path, bytes, begin);
        return new Float32Array(bytes.buffer);
      case "BF16":
        await readExactly(this.#handle, this.path, bytes, begin);
        return bfloat16ToFloat32(new Uint16Array(bytes.buffer));
      case "F16":
        await readExactly(this.#handle, this.path, bytes, begin);
        return float16ToFloat32(new Uint16Array(bytes.buffer));
      default:
        throw this.#wrongType(name, "I64, F32, F16 or BF16", dtype);
    }
  }

  /** Reads one floating-point tensor as float32; with `shape`, refuses any other shape. */
  async floats(name: string, shape?: readonly number[]): Promise<Float32Array> {
    const info = this.info(name);
    if (shape !== undefined && shape.join() !== info.shape.join()) {
      throw this.#wrongType(name, `the shape [${shape.join(", ")}]`, `[${info.shape.join(", ")}]`);
    }
    const values = await this.tensor(name);
    if (values instanceof Float32Array) return values;
    throw this.#wrongType(name, "floating-point numbers", info.dtype);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  #wrongType(name: string, expected: string, got: string): FirnError {
    return new FirnError("ARTIFACT_SAFETENSORS_TENSOR", {
      expected: `${expected} in tensor ${name}`,
      got,
      where: this.path,
      next: "Convert the file, or check that it belongs to this model.",
    });
  }
}
