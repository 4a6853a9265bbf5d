/**
 * @file WARC files (ISO 28500) as records, whatever state they are in. `.warc.gz` and `.wet.gz` hold one gzip member per
 * record, and a damaged member costs that record alone: reading goes on at the next member that unpacks to a record. Plain
 * files, and files that were packed as a whole, are cut by their Content-Length, and where that lies, at the next line
 * that begins a record.
 */
import { createReadStream } from "node:fs";
import { crc32, inflateRawSync } from "node:zlib";
import { BrokenStreamError, readUnpacked } from "../../artifacts/index.ts";
import { describeError } from "../../core/index.ts";
import { type FilePlace, fileStart } from "./reader.ts";

/** Larger records are skipped; nothing of this size is a text. */
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;
const MAX_HEADER_BYTES = 64 * 1024;

/** One record, its header fields with lower-case names. */
export interface WarcRecord {
  readonly fields: ReadonlyMap<string, string>;
  readonly block: Buffer;
}

/** What could not be read as a record. */
export interface BrokenRecord {
  readonly reason: "record-broken" | "record-too-large" | "file-broken";
  readonly detail: string;
}

export type WarcItem = WarcRecord | BrokenRecord;

const HEADER_END = Buffer.from("\r\n\r\n");
const START = Buffer.from("WARC/");

/** `Name: value` lines to a map; the first of several values stays. */
export function parseFields(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim().toLowerCase();
    if (colon > 0 && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}

/** The header at the start of `bytes`, its length, and the length that it states for its block. */
function readHeader(bytes: Buffer): { fields: Map<string, string>; end: number; length: number } | string {
  if (!bytes.subarray(0, START.length).equals(START)) return "not the beginning of a record";
  const at = bytes.subarray(0, MAX_HEADER_BYTES).indexOf(HEADER_END);
  if (at < 0) return `a header without an end in ${Math.min(bytes.length, MAX_HEADER_BYTES)} bytes`;
  const fields = parseFields(bytes.subarray(0, at).toString().split("\r\n").slice(1));
  const stated = fields.get("content-length") ?? "";
  if (!/^\d{1,15}$/.test(stated)) return `a Content-Length of "${stated.slice(0, 40)}"`;
  return { fields, end: at + HEADER_END.length, length: Number(stated) };
}

/** The records of one unpacked gzip member: one, as a rule. */
function* recordsOf(bytes: Buffer): Generator<WarcItem, void, undefined> {
  let rest = bytes;
  while (rest.length > 0) {
    const header = readHeader(rest);
    if (typeof header === "string") {
      yield { reason: "record-broken", detail: header };
      return;
    }
    const { fields, end, length } = header;
    const after = rest.subarray(end + length);
    const closed = after.subarray(0, 4).equals(HEADER_END);
    if (end + length > rest.length || !closed) {
      const have = rest.length - end;
      yield { reason: "record-broken", detail: `a Content-Length of ${length} where ${have} bytes follow` };
      return;
    }
    yield { fields, block: rest.subarray(end, end + length) };
    rest = after.subarray(4);
  }
}

/** Bytes of a stream, as many at a time as asked for. */
class ByteWindow {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #bytes: Buffer = Buffer.alloc(0);
  #ended = false;
  /** Where its first byte stands in the file. */
  position: number;
  /** The stream broke here; what came before can still be read. */
  failure: string | undefined;

  constructor(chunks: AsyncIterable<Uint8Array>, position: number) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.position = position;
  }

  #drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count);
    this.position += count;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Reads on until `count` bytes are at hand; false when the stream ends before. */
  async ensure(count: number): Promise<boolean> {
    const parts: Uint8Array[] = [this.#bytes];
    let length = this.#bytes.length;
    while (length < count && !this.#ended) {
      const chunk = await this.#next();
      if (chunk === undefined) break;
      parts.push(chunk);
      length += chunk.length;
    }
    if (parts.length > 1) this.#bytes = Buffer.concat(parts);
    return length >= count;
  }

  async #next(): Promise<Uint8Array | undefined> {
    try {
      const next = await this.#chunks.next();
      if (next.done !== true) return next.value;
    } catch (error) {
      if (!(error instanceof BrokenStreamError)) throw error;
      this.failure = error.message;
    }
    this.#ended = true;
    return undefined;
  }

  /** Drops `count` bytes without holding them; false when there are not as many. */
  async skip(count: number): Promise<boolean> {
    let left = count;
    while (left > this.#bytes.length) {
      left -= this.#bytes.length;
      this.#drop(this.#bytes.length);
      if (!(await this.ensure(1))) return false;
    }
    this.#drop(left);
    return true;
  }

  /** Drops everything before the next `needle` that is not at the very start; false when there is none. */
  async skipTo(needle: Buffer): Promise<boolean> {
    for (let from = 1; ; ) {
      const at = this.#bytes.indexOf(needle, from);
      if (at >= 0) {
        this.#drop(at);
        return true;
      }
      this.#drop(Math.max(0, this.#bytes.length - needle.length + 1));
      from = 0;
      if (!(await this.ensure(this.#bytes.length + 1))) return false;
    }
  }
}

/** What was read, and where in the bytes it begins. */
type PlacedItem = readonly [start: number, item: WarcItem];

/** Records of an unpacked stream, whose first byte stands at `position`. */
async function* streamRecords(
  chunks: AsyncIterable<Uint8Array>,
  position: number,
): AsyncGenerator<PlacedItem, void, undefined> {
  const window = new ByteWindow(chunks, position);
  while (await window.ensure(1)) {
    await window.ensure(MAX_HEADER_BYTES);
    const start = window.position;
    const item = await takeRecord(window);
    yield [start, item];
    if ("reason" in item && item.reason === "record-broken" && !(await window.skipTo(START))) break;
  }
  if (window.failure !== undefined)
    yield [window.position, { reason: "file-broken", detail: window.failure }];
}

/** The record at the start of the window; a broken one is left there for `skipTo`. */
async function takeRecord(window: ByteWindow): Promise<WarcItem> {
  const header = readHeader(window.bytes);
  if (typeof header === "string") return { reason: "record-broken", detail: header };
  const { fields, end, length } = header;
  if (length > MAX_RECORD_BYTES) {
    const whole = await window.skip(end + length + 4);
    const detail = `${length} bytes, at most ${MAX_RECORD_BYTES} allowed`;
    return { reason: "record-too-large", detail: whole ? detail : `${detail}; the file ends inside it` };
  }
  const whole = await window.ensure(end + length + 4);
  const closed = whole && window.bytes.subarray(end + length, end + length + 4).equals(HEADER_END);
  if (!closed) {
    const detail = whole
      ? `a Content-Length of ${length} after which no record ends`
      : "the file ends inside a record";
    return { reason: "record-broken", detail };
  }
  const block = Buffer.from(window.bytes.subarray(end, end + length));
  await window.skip(end + length + 4);
  return { fields, block };
}

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b, 0x08]);
/** Most of a member that is looked at; one that is longer is no record. */
const MAX_MEMBER_BYTES = MAX_RECORD_BYTES;

/** Length of a gzip header (RFC 1952, §2.3), or `undefined` when it is not one or is cut off. */
function gzipHeaderLength(bytes: Buffer): number | undefined {
  if (bytes.length < 18 || !bytes.subarray(0, 3).equals(GZIP_MAGIC)) return undefined;
  const flags = bytes[3]!;
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + bytes.readUInt16LE(at);
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) return undefined;
    at = end + 1;
  }
  if ((flags & 2) !== 0) at += 2;
  return at < bytes.length ? at : undefined;
}

type Member =
  | { readonly unpacked: Buffer; readonly end: number }
  | "short"
  | "too-large"
  | { readonly fault: string };

/** Unpacks the member at the start of `bytes`; "short" when more input may help. */
function unpackMember(bytes: Buffer): Member {
  const start = gzipHeaderLength(bytes);
  if (start === undefined) return bytes.length < 1 << 16 ? "short" : { fault: "no gzip header" };
  try {
    const result = inflateRawSync(bytes.subarray(start), { info: true, maxOutputLength: MAX_RECORD_BYTES });
    const { buffer, engine } = result as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    const end = start + engine.bytesWritten + 8;
    if (end > bytes.length) return "short";
    if (crc32(buffer) !== bytes.readUInt32LE(end - 8)) return { fault: "a wrong checksum" };
    return { unpacked: buffer, end };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code === "Z_BUF_ERROR") return "short";
    return code === "ERR_BUFFER_TOO_LARGE" ? "too-large" : { fault: describeError(error) };
  }
}

/** Unpacks the next member, reading as much as it needs; a short one is tried again with twice the input. */
async function takeMember(window: ByteWindow): Promise<Exclude<Member, "short">> {
  for (let want = 1 << 16; ; want = Math.max(want, window.bytes.length) * 2) {
    const more = await window.ensure(want);
    const member = unpackMember(window.bytes);
    if (member !== "short") return member;
    if (!more) return { fault: "the file ends inside a record" };
    if (want > MAX_MEMBER_BYTES) return "too-large";
  }
}

/** Goes to the next place where a member that holds a record begins. */
async function nextRecordMember(window: ByteWindow): Promise<boolean> {
  while (await window.skipTo(GZIP_MAGIC)) {
    await window.ensure(1 << 16);
    const start = gzipHeaderLength(window.bytes);
    if (start === undefined) continue;
    try {
      const head = inflateRawSync(window.bytes.subarray(start), {
        maxOutputLength: MAX_RECORD_BYTES,
        finishFlush: 2,
      });
      if (head.subarray(0, START.length).equals(START)) return true;
    } catch (error) {
      // A record that is too large is a record all the same; anything else is a chance sequence of bytes.
      if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") return true;
    }
  }
  return false;
}

/** Records of a file whose members are records. */
async function* memberRecords(window: ByteWindow): AsyncGenerator<PlacedItem, void, undefined> {
  while (await window.ensure(1)) {
    const start = window.position;
    const member = await takeMember(window);
    if (typeof member !== "string" && "unpacked" in member) {
      for (const item of recordsOf(member.unpacked)) yield [start, item];
      await window.skip(member.end);
      continue;
    }
    if (member === "too-large") {
      yield [start, { reason: "record-too-large", detail: `more than ${MAX_RECORD_BYTES} bytes` }];
    } else {
      yield [start, { reason: "record-broken", detail: member.fault }];
    }
    if (!(await nextRecordMember(window))) return;
  }
}

/** Everything in the file from byte `offset` on; a file that was packed as a whole has no other place than its start. */
async function* placedItems(path: string, offset: number): AsyncGenerator<PlacedItem, void, undefined> {
  if (!path.endsWith(".gz")) {
    yield* streamRecords(readUnpacked(path, offset), offset);
    return;
  }
  const input = createReadStream(path, { highWaterMark: 1 << 18, start: offset });
  const window = new ByteWindow(input, offset);
  const first = await takeMember(window);
  // Many records in the first member, or one without end: the file was packed as a whole.
  const asWhole =
    offset === 0 &&
    (first === "too-large" || ("unpacked" in first && [...recordsOf(first.unpacked)].length > 1));
  if (!asWhole) {
    yield* memberRecords(window);
    return;
  }
  input.destroy();
  for await (const [, item] of streamRecords(readUnpacked(path), 0)) yield [0, item];
}

/**
 * The records of the WARC or WET file at `path`, in order, each as it is or with the reason why not, from `place` on, which
 * moves: at every item it is the place after it.
 */
export async function* readWarcRecords(
  path: string,
  place: FilePlace = fileStart(),
): AsyncGenerator<WarcItem, void, undefined> {
  let { offset, items: before, within: skip } = place;
  let within = 0;
  for await (const [start, item] of placedItems(path, offset)) {
    if (start !== offset) {
      before += within;
      within = 0;
      offset = start;
    }
    within += 1;
    if (skip > 0) {
      skip -= 1;
      continue;
    }
    Object.assign(place, { offset, items: before, within });
    yield item;
  }
}
