/**
 * @file A scratch file that only grows: what a pass remembers on the disk instead of in memory. It knows its hash, so that a
 * run after a kill can go on with it.
 */
import type { Hash } from "node:crypto";
import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { FilePoint } from "../artifacts/index.ts";
import { startSha256, systemErrorCode } from "../core/index.ts";

const BUFFER_BYTES = 1 << 16;

/** Writes all of `bytes` at the current place of the file. */
export function writeAllSync(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}

/** Appends go through a buffer; reads see them all. */
export class ScratchLog {
  readonly #file: number;
  readonly #hash: Hash;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #buffered = 0;
  #written: number;
  #open = true;

  private constructor(file: number, hash: Hash, written: number) {
    this.#file = file;
    this.#hash = hash;
    this.#written = written;
  }

  /** Starts an empty file; missing folders are made. */
  static create(path: string): ScratchLog {
    mkdirSync(dirname(path), { recursive: true });
    return new ScratchLog(openSync(path, "w+"), startSha256(), 0);
  }

  /** Goes on at a point of an earlier run; `undefined` when the bytes before it are not those any more. */
  static resume(path: string, point: FilePoint): ScratchLog | undefined {
    let file: number;
    try {
      file = openSync(path, "r+");
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
      return undefined;
    }
    const hash = startSha256();
    const chunk = new Uint8Array(1 << 20);
    let at = 0;
    while (at < point.bytes) {
      // Without a position, so that the file's own place moves on to where writing begins.
      const read = readSync(file, chunk, 0, Math.min(chunk.length, point.bytes - at), null);
      if (read === 0) break;
      hash.update(chunk.subarray(0, read));
      at += read;
    }
    if (at !== point.bytes || hash.copy().digest("hex") !== point.sha256) {
      closeSync(file);
      return undefined;
    }
    ftruncateSync(file, at);
    return new ScratchLog(file, hash, at);
  }

  get bytes(): number {
    return this.#written + this.#buffered;
  }

  append(bytes: Uint8Array): void {
    if (this.#buffered + bytes.length > BUFFER_BYTES) this.#flush();
    if (bytes.length > BUFFER_BYTES) {
      this.#write(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  /** Fills `target` from `position` on; returns how many bytes there were. */
  read(target: Uint8Array, position: number): number {
    if (position + target.length > this.#written) this.#flush();
    let filled = 0;
    while (filled < target.length) {
      const read = readSync(this.#file, target, filled, target.length - filled, position + filled);
      if (read === 0) break;
      filled += read;
    }
    return filled;
  }

  /** Flushes the file and says how far it is. */
  point(): FilePoint {
    this.#flush();
    fsyncSync(this.#file);
    return { bytes: this.#written, sha256: this.#hash.copy().digest("hex") };
  }

  /** Lets go of the file, which stays. */
  close(): void {
    if (this.#open) closeSync(this.#file);
    this.#open = false;
  }

  #flush(): void {
    const bytes = this.#buffer.subarray(0, this.#buffered);
    this.#buffered = 0;
    this.#write(bytes);
  }

  #write(bytes: Uint8Array): void {
    writeAllSync(this.#file, bytes);
    this.#hash.update(bytes);
    this.#written += bytes.length;
  }
}
