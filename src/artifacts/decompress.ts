/**
 * @file Files as byte streams, unpacked on the way when their name ends in `.gz` or `.zst`. Memory stays bounded
 * whatever the file claims, and everything before a break in the file still comes out.
 */
import { createReadStream } from "node:fs";
import type { Transform } from "node:stream";
import * as zlib from "node:zlib";
import { assert, describeError } from "../core/index.ts";
import { loadZstd, type Zstd } from "./zstd.ts";

/** Compressed bytes handed over at a time: deflate grows at most 1,032-fold, so this bounds a step to 16 MiB. */
const INPUT_CHUNK = 16 * 1024;
/** A zstd frame may unpack to at most this much where only one-shot decoding is at hand (Node.js below 22.15). */
const MAX_FRAME_BYTES = 512 * 1024 * 1024;
const ZSTD_BLOCK_MAX = 128 * 1024;

/** The rest of a packed file cannot be read; what lay before it has been yielded. */
export class BrokenStreamError extends Error {
  constructor(cause: unknown) {
    super(describeError(cause), { cause });
    this.name = "BrokenStreamError";
  }
}

/** What newer Node.js versions have in `node:zlib`. */
interface ZlibWithZstd {
  createZstdDecompress?(): Transform;
}

/**
 * The content of the file at `path`, unpacked by the ending of its name; of one that is not packed from byte `start` on.
 *
 * @throws BrokenStreamError when packed data is cut off, damaged, or too large to unpack safely; the system's own
 *   error when the file cannot be opened or read
 */
export async function* readUnpacked(path: string, start = 0): AsyncGenerator<Uint8Array, void, undefined> {
  assert(start === 0 || !isPacked(path), "a packed file is read from its beginning");
  if (path.endsWith(".gz")) {
    yield* throughTransform(createReadStream(path, { highWaterMark: INPUT_CHUNK }), zlib.createGunzip());
  } else if (path.endsWith(".zst")) {
    const native = (zlib as ZlibWithZstd).createZstdDecompress?.();
    const input = createReadStream(path, { highWaterMark: INPUT_CHUNK });
    if (native === undefined) yield* unpackZstdFrames(input);
    else yield* throughTransform(input, native);
  } else {
    yield* createReadStream(path, { highWaterMark: 1 << 18, start });
  }
}

/** True when `readUnpacked` unpacks the file. */
export function isPacked(path: string): boolean {
  return /\.(?:gz|zst)$/.test(path);
}

/** Drives a zlib stream by hand: piping would lose what is buffered at the moment an error comes. */
async function* throughTransform(
  input: AsyncIterable<Uint8Array>,
  transform: Transform,
): AsyncGenerator<Uint8Array, void, undefined> {
  let ready: Uint8Array[] = [];
  let failure: Error | undefined;
  let ended = false;
  let wake = (): void => undefined;
  transform.on("data", (chunk: Uint8Array) => ready.push(chunk));
  // It may end before its input does: zeros after the last member, as tapes leave them.
  transform.on("end", () => {
    ended = true;
    wake();
  });
  transform.on("error", (error) => {
    failure = error;
    wake();
  });
  const settled = (start: (done: () => void) => void): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      start(resolve);
    });
  const take = (): Uint8Array[] => {
    const taken = ready;
    ready = [];
    return taken;
  };
  try {
    for await (const chunk of input) {
      await settled((done) => transform.write(chunk, done));
      yield* take();
      if (failure !== undefined) throw new BrokenStreamError(failure);
      if (ended) return;
    }
    await settled((done) => {
      if (ended) done();
      else transform.end();
    });
    yield* take();
    if (failure !== undefined) throw new BrokenStreamError(failure);
  } finally {
    transform.destroy();
  }
}

/** Where a zstd frame ends and how much it can unpack to (RFC 8878, §3.1); `undefined` when more input is needed. */
function measureFrame(bytes: Uint8Array): { end: number; unpacked: number; skip: boolean } | undefined {
  if (bytes.length < 5) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0, true);
  if (magic >>> 4 === 0x184d2a5) {
    if (bytes.length < 8) return undefined;
    const end = 8 + view.getUint32(4, true);
    return end > bytes.length ? undefined : { end, unpacked: 0, skip: true };
  }
  if (magic !== 0xfd2fb528) throw new BrokenStreamError("this is not a zstd frame");
  const descriptor = bytes[4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  let at = 5 + (singleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
  let unpacked = 0;
  for (;;) {
    if (at + 3 > bytes.length) return undefined;
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type === 3) throw new BrokenStreamError("a zstd block of a reserved type");
    at += 3 + (type === 1 ? 1 : size);
    unpacked += type === 2 ? ZSTD_BLOCK_MAX : size;
    if (unpacked > MAX_FRAME_BYTES) {
      throw new BrokenStreamError(
        `a zstd frame that unpacks to more than ${MAX_FRAME_BYTES} bytes needs Node.js 22.15 or newer`,
      );
    }
    if ((header & 1) === 1) break;
  }
  const end = at + ((descriptor & 4) !== 0 ? 4 : 0);
  return end > bytes.length ? undefined : { end, unpacked, skip: false };
}

/** The size a frame declares, if it does. */
function declaredSize(frame: Uint8Array): number | undefined {
  const descriptor = frame[4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  const at = 5 + (singleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  switch (descriptor >> 6) {
    case 0:
      return singleSegment ? frame[at]! : undefined;
    case 1:
      return view.getUint16(at, true) + 256;
    case 2:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}

async function* unpackZstdFrames(
  input: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const zstd = await loadZstd();
  let pending: Uint8Array[] = [];
  let length = 0;
  let nextTry = 0;
  const frames = { rest: new Uint8Array(0) as Uint8Array };
  for await (const chunk of input) {
    pending.push(chunk);
    length += chunk.length;
    // An unfinished frame is looked at again only after the input has doubled: long frames cost linear time.
    if (length < nextTry) continue;
    frames.rest = Buffer.concat(pending);
    yield* wholeFrames(zstd, frames);
    pending = [frames.rest];
    length = frames.rest.length;
    nextTry = length * 2;
  }
  frames.rest = Buffer.concat(pending);
  yield* wholeFrames(zstd, frames);
  if (frames.rest.length > 0) throw new BrokenStreamError("the file ends inside a zstd frame");
}

/** Unpacks the whole frames at the start of `frames.rest` and leaves the remainder there. */
function* wholeFrames(zstd: Zstd, frames: { rest: Uint8Array }): Generator<Uint8Array, void, undefined> {
  for (;;) {
    const frame = measureFrame(frames.rest);
    if (frame === undefined) return;
    const bytes = frames.rest.subarray(0, frame.end);
    frames.rest = frames.rest.subarray(frame.end);
    if (frame.skip) continue;
    const declared = declaredSize(bytes);
    if (declared !== undefined && declared > frame.unpacked) {
      throw new BrokenStreamError(
        `a zstd frame claims ${declared} bytes and can hold ${frame.unpacked} at most`,
      );
    }
    let unpacked: Uint8Array;
    try {
      unpacked = zstd.decompress(bytes, frame.unpacked);
    } catch (error) {
      throw new BrokenStreamError(error);
    }
    yield unpacked;
  }
}
