/**
 * @file JSON Lines, plain or packed (`.gz`, `.zst`), read in bounded memory. A broken line is reported and counted;
 * its neighbours are read as if it were not there.
 */
import { isUtf8 } from "node:buffer";
import { describeError, parseJson } from "../core/index.ts";
import { BrokenStreamError, isPacked, readUnpacked } from "./decompress.ts";

/** Why a line could not be read; `file-broken` stands for the rest of the file. */
export type JsonlReason = "line-too-long" | "utf8-invalid" | "json-invalid" | "file-broken";

export type JsonlItem =
  | { readonly line: number; readonly value: unknown }
  | {
      /** Counted from 1, blank lines included. */
      readonly line: number;
      readonly reason: JsonlReason;
      readonly detail: string;
      /** The start of the line, with U+FFFD for what is not UTF-8. */
      readonly start: string;
    };

/** A place between two lines. */
export interface JsonlPlace {
  /** Bytes before it; 0 in a packed file, whose lines can only be counted. */
  offset: number;
  /** Lines before it. */
  line: number;
}

export interface JsonlOptions {
  /** Where to begin (default: with the first line). It moves: at every batch it is the place after it. */
  readonly place?: JsonlPlace;
  /** Longer lines are skipped without being held in memory (default 16 MiB). */
  readonly maxLineBytes?: number;
}

const START_BYTES = 400;
const BATCH_LINES = 512;

function parseLine(line: number, bytes: Buffer): JsonlItem | undefined {
  const start = bytes.subarray(0, START_BYTES).toString();
  if (!isUtf8(bytes)) return { line, reason: "utf8-invalid", detail: "bytes that are not UTF-8", start };
  const text = bytes.toString().replace(/^\ufeff/, "");
  if (text.trim() === "") return undefined;
  try {
    return { line, value: parseJson(text) };
  } catch (error) {
    return { line, reason: "json-invalid", detail: describeError(error), start };
  }
}

/** Cuts a byte stream into lines, dropping the middle of lines that are too long. */
class LineCutter {
  readonly #max: number;
  #parts: Uint8Array[] = [];
  #kept = 0;
  #length = 0;
  /** Lines up to this one are cut and not parsed. */
  readonly #skipTo: number;
  line: number;
  /** Where the next line begins. */
  offset: number;

  constructor(max: number, from: JsonlPlace, packed: boolean) {
    this.#max = max;
    this.#skipTo = from.line;
    this.line = packed ? 0 : from.line;
    this.offset = from.offset;
  }

  #keep(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length <= this.#max || this.#kept === 0) {
      const room = this.#length <= this.#max ? part : part.subarray(0, START_BYTES);
      this.#parts.push(room);
      this.#kept += room.length;
    }
  }

  #cut(): JsonlItem | undefined {
    this.line += 1;
    const bytes = Buffer.concat(this.#parts);
    const length = this.#length;
    this.offset += length + 1;
    this.#parts = [];
    this.#kept = 0;
    this.#length = 0;
    if (this.line <= this.#skipTo) return undefined;
    if (length > this.#max) {
      return {
        line: this.line,
        reason: "line-too-long",
        detail: `${length} bytes, at most ${this.#max} allowed`,
        start: bytes.subarray(0, START_BYTES).toString(),
      };
    }
    return parseLine(this.line, bytes);
  }

  *push(chunk: Uint8Array): Generator<JsonlItem, void, undefined> {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(10, from);
      if (end < 0) break;
      this.#keep(chunk.subarray(from, end));
      const item = this.#cut();
      if (item !== undefined) yield item;
      from = end + 1;
    }
    // A copy: the rest may wait long, and must not hold the whole chunk in memory.
    if (from < chunk.length) this.#keep(chunk.slice(from));
  }

  *end(): Generator<JsonlItem, void, undefined> {
    if (this.#length === 0) return;
    const item = this.#cut();
    if (item !== undefined) yield item;
  }
}

/**
 * The lines of the file at `path` in batches, each parsed or with the reason why not. Blank lines are skipped.
 *
 * @throws the system's own error when the file cannot be opened or read
 */
export async function* readJsonl(
  path: string,
  options: JsonlOptions = {},
): AsyncGenerator<JsonlItem[], void, undefined> {
  const place = options.place ?? { offset: 0, line: 0 };
  const packed = isPacked(path);
  const { line: skipTo } = place;
  const cutter = new LineCutter(options.maxLineBytes ?? 16 * 1024 * 1024, place, packed);
  const moveTo = (line: number): void => {
    place.line = line;
    if (!packed) place.offset = cutter.offset;
  };
  let batch: JsonlItem[] = [];
  try {
    for await (const chunk of readUnpacked(path, place.offset)) {
      for (const item of cutter.push(chunk)) {
        batch.push(item);
        if (batch.length >= BATCH_LINES) {
          moveTo(cutter.line);
          yield batch;
          batch = [];
        }
      }
    }
    batch.push(...cutter.end());
    moveTo(cutter.line);
  } catch (error) {
    if (!(error instanceof BrokenStreamError)) throw error;
    // The last line before the break may be cut off: it is kept only if it still parses.
    batch.push(...cutter.end());
    const line = cutter.line + 1;
    if (line > skipTo) batch.push({ line, reason: "file-broken", detail: error.message, start: "" });
    moveTo(line);
  }
  if (batch.length > 0) yield batch;
}
