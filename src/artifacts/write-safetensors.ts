/**
 * @file Writes safetensors: one file, or a folder's weights cut into shards with an index, as transformers does. The same
 * tensors give the same bytes in any order; never more than a few MiB of a streamed tensor are in memory.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../core/index.ts";
import { AtomicFile, writeJsonAtomic } from "./atomic.ts";
import { float32ToBfloat16, float32ToFloat16 } from "./half-precision.ts";
import {
  ELEMENT_BYTES,
  elementCount,
  type SafetensorsDtype,
  WEIGHTS_FILE,
  WEIGHTS_INDEX_FILE,
} from "./safetensors-format.ts";

/** Elements converted or written at once: bounds the writer's extra memory to a few MiB. */
const CHUNK_ELEMENTS = 1 << 20;

type TensorData = Float32Array | BigInt64Array;

/** One tensor to write. */
export interface TensorSource {
  readonly name: string;
  /** `BF16` and `F16` round the given float32 values to nearest even. */
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /**
   * The numbers in row-major order. A function is called when the tensor's turn comes; it may give the numbers piece by
   * piece. Bytes (`Uint8Array`) are written as they are: numbers that already have this dtype.
   */
  readonly data:
    | TensorData
    | (() => TensorData | Promise<TensorData> | AsyncIterable<TensorData | Uint8Array>);
}

/** Bytes that the tensor takes in a file. */
const tensorBytes = ({ dtype, shape }: TensorSource): number => elementCount(shape) * ELEMENT_BYTES[dtype];

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
  for (const tensor of tensors) {
    const { name, dtype, shape } = tensor;
    assert(!names.has(name), `two tensors are called ${name}`);
    names.add(name);
    const end = offset + tensorBytes(tensor);
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

const isPieces = (
  data: TensorData | AsyncIterable<TensorData | Uint8Array>,
): data is AsyncIterable<TensorData | Uint8Array> => Symbol.asyncIterator in data;

async function* piecesOf({ data }: TensorSource): AsyncGenerator<TensorData | Uint8Array> {
  const given = typeof data === "function" ? await data() : data;
  if (isPieces(given)) {
    yield* given;
    return;
  }
  for (let start = 0; start < given.length; start += CHUNK_ELEMENTS) {
    yield given.subarray(start, start + CHUNK_ELEMENTS);
  }
}

function encode(tensor: TensorSource, piece: TensorData | Uint8Array): ArrayBufferView {
  if (piece instanceof Uint8Array) return piece;
  assert(
    piece instanceof BigInt64Array === (tensor.dtype === "I64"),
    `tensor ${tensor.name} does not hold what its dtype says`,
  );
  if (piece instanceof BigInt64Array) return piece;
  if (tensor.dtype === "BF16") return float32ToBfloat16(piece);
  return tensor.dtype === "F16" ? float32ToFloat16(piece) : piece;
}

async function writeTensor(file: AtomicFile, tensor: TensorSource): Promise<void> {
  let written = 0;
  for await (const piece of piecesOf(tensor)) {
    const { buffer, byteOffset, byteLength } = encode(tensor, piece);
    await file.write(new Uint8Array(buffer, byteOffset, byteLength));
    written += byteLength;
  }
  assert(written === tensorBytes(tensor), `tensor ${tensor.name} does not fill its shape`);
}

/**
 * Writes `tensors` to `path` atomically: the file is absent, the old one, or the whole new one. Throws `DISK_FULL`
 * or `DISK_DENIED` when the disk refuses.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorSource[],
  metadata: Readonly<Record<string, string>> = { format: "pt" },
  onWritten: (tensor: TensorSource) => void = () => undefined,
): Promise<void> {
  const ordered = inFileOrder(tensors);
  const header = encodeHeader(ordered, metadata);
  const file = await AtomicFile.create(path);
  try {
    await file.write(header);
    for (const tensor of ordered) {
      await writeTensor(file, tensor);
      onWritten(tensor);
    }
    await file.commit();
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

/** Fills shards in the given order, as transformers does: a tensor larger than a shard has one to itself. */
function cut(tensors: readonly TensorSource[], shardBytes: number): TensorSource[][] {
  const shards: TensorSource[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const bytes = tensorBytes(tensor);
    if (shards.length === 0 || bytes > room) {
      shards.push([]);
      room = shardBytes;
    }
    shards.at(-1)!.push(tensor);
    room -= bytes;
  }
  return shards;
}

/**
 * Writes a folder's weights: `model.safetensors` if all fit into `shardBytes`, else `model-00001-of-0000N.safetensors` and,
 * last, `model.safetensors.index.json`. `onWritten` is called after every tensor.
 *
 * @throws FirnError `DISK_FULL`, `DISK_DENIED`
 */
export async function writeSafetensorsFolder(
  dir: string,
  tensors: readonly TensorSource[],
  options: {
    readonly shardBytes: number;
    /** What the index says of the model's size; constants among the tensors do not count. */
    readonly parameters: number;
    readonly onWritten?: (tensor: TensorSource) => void;
  },
): Promise<void> {
  await mkdir(dir, { recursive: true });
  const shards = cut(tensors, options.shardBytes);
  const name = (index: number): string =>
    shards.length === 1
      ? WEIGHTS_FILE
      : `model-${String(index + 1).padStart(5, "0")}-of-${String(shards.length).padStart(5, "0")}.safetensors`;
  for (const [index, shard] of shards.entries()) {
    await writeSafetensors(join(dir, name(index)), shard, undefined, options.onWritten);
  }
  if (shards.length === 1) return;
  const map = shards.flatMap((shard, index) => shard.map((tensor) => [tensor.name, name(index)] as const));
  await writeJsonAtomic(join(dir, WEIGHTS_INDEX_FILE), {
    metadata: {
      total_parameters: options.parameters,
      total_size: tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0),
    },
    weight_map: Object.fromEntries(map),
  });
}
