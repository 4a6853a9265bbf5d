/**
 * @file Reads safetensors. The header is in memory, tensors are read from the file when asked for, whole or piece by
 * piece. Nothing is trusted: every length, range and overlap is checked before a byte of data is read.
 */
import { type FileHandle, open } from "node:fs/promises";
import { z } from "zod";
import { FirnError, systemErrorCode } from "../core/index.ts";
import { bfloat16ToFloat32, float16ToFloat32 } from "./half-precision.ts";
import { ELEMENT_BYTES, elementCount, type SafetensorsDtype, type TensorInfo } from "./safetensors-format.ts";

/** Header limit of the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;
/** Numbers read at once where a tensor comes in pieces. */
const PIECE_ELEMENTS = 1 << 20;

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
    if (dtype !== "I64") return this.#readFloats(name, dtype, begin, end);
    return new BigInt64Array(await this.#read(begin, end));
  }

  /**
   * One floating-point tensor as float32, in pieces of whole rows (last axis) of about a million numbers, so that a
   * matrix of gigabytes takes a few MiB of memory. With `start` and `end` only these entries of its first axis.
   */
  async *pieces(
    name: string,
    start = 0,
    end = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<Float32Array<ArrayBuffer>, void, void> {
    const { dtype, shape, begin, end: last } = this.info(name);
    const width = this.#floatWidth(name, dtype);
    const rowBytes = (shape.at(-1) ?? 1) * width;
    const step = rowBytes * Math.max(1, Math.floor((PIECE_ELEMENTS * width) / Math.max(rowBytes, 1)));
    const entryBytes = (last - begin) / Math.max(shape[0] ?? 1, 1);
    const stop = Math.min(last, begin + end * entryBytes);
    for (let at = begin + start * entryBytes; at < stop; at += step) {
      yield await this.#readFloats(name, dtype, at, Math.min(at + step, stop));
    }
  }

  /** The bytes of a tensor as they stand in the file, in pieces. */
  async *bytes(name: string): AsyncGenerator<Uint8Array, void, void> {
    const { begin, end } = this.info(name);
    const step = 4 * PIECE_ELEMENTS;
    for (let at = begin; at < end; at += step) {
      yield new Uint8Array(await this.#read(at, Math.min(at + step, end)));
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

  async #read(begin: number, end: number): Promise<ArrayBuffer> {
    const bytes = new Uint8Array(end - begin);
    await readExactly(this.#handle, this.path, bytes, begin);
    return bytes.buffer;
  }

  #floatWidth(name: string, dtype: string): number {
    if (dtype === "F32" || dtype === "BF16" || dtype === "F16") return ELEMENT_BYTES[dtype];
    throw this.#wrongType(name, "numbers of F32, F16 or BF16", dtype);
  }

  async #readFloats(
    name: string,
    dtype: string,
    begin: number,
    end: number,
  ): Promise<Float32Array<ArrayBuffer>> {
    this.#floatWidth(name, dtype);
    const buffer = await this.#read(begin, end);
    if (dtype === "F32") return new Float32Array(buffer);
    const bits = new Uint16Array(buffer);
    return dtype === "BF16" ? bfloat16ToFloat32(bits) : float16ToFloat32(bits);
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
