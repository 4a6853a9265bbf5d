/**
 * @file Files that are either whole or not there. Everything Firn keeps is written beside its place, flushed to the
 * disk, and renamed; a kill at any moment leaves the old file or the new one, never half of one.
 */
import type { Hash } from "node:crypto";
import { createReadStream, existsSync, statfsSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, rename, rm, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import {
  assert,
  canonicalJson,
  FirnError,
  formatBytes,
  startSha256,
  systemErrorCode,
} from "../core/index.ts";

/** The ending of files and folders that are not finished; the store sweeps them away before it seals an artifact. */
export const UNFINISHED_SUFFIX = ".firn-tmp";

function freeBytes(path: string): string {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return ` with ${formatBytes(bavail * bsize)} free`;
  } catch {
    return "";
  }
}

/**
 * A full or forbidden disk in words: `error` as FirnError `DISK_FULL` (no space, or over quota) or `DISK_DENIED`
 * (read-only or not permitted); any other error as it is.
 *
 * @param path the file that was being written
 * @param bytes how much was to be written; 0 if that is not known
 */
export function diskError(error: unknown, path: string, bytes: number): unknown {
  const code = systemErrorCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new FirnError("DISK_FULL", {
      expected: bytes > 0 ? `room for ${formatBytes(bytes)} more` : "room on the disk",
      got: code === "EDQUOT" ? "a used-up disk quota" : `a full disk${freeBytes(path)}`,
      where: path,
      next:
        "Nothing finished is lost. Free some space, or move the store to a larger disk (--store DIR), " +
        "and run the same command again: it goes on from here.",
      cause: error,
    });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new FirnError("DISK_DENIED", {
      expected: "permission to write",
      got: code === "EROFS" ? "a read-only disk" : "a refusal by the system",
      where: path,
      next: "Give yourself write permission there, or choose another place (--store DIR).",
      cause: error,
    });
  }
  return error;
}

/** Runs `work`, which writes about `bytes` bytes at `path`; throws what `diskError` makes of its errors. */
export async function withDiskErrors<T>(path: string, bytes: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskError(error, path, bytes);
  }
}

/** Flushes a folder's list of names, so that a rename in it survives a power cut. */
export async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Flushes a file's content to the disk. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The first bytes of a file, and their SHA-256: how far a later run can trust it. */
export interface FilePoint {
  readonly bytes: number;
  readonly sha256: string;
}

/** The hash of the first bytes of a file, to be gone on with; `undefined` when there are fewer, or others. */
async function hashPrefix(path: string, { bytes, sha256 }: FilePoint): Promise<Hash | undefined> {
  const hash = startSha256();
  let read = 0;
  if (bytes > 0) {
    for await (const chunk of createReadStream(path, { end: bytes - 1, highWaterMark: 1 << 20 })) {
      hash.update(chunk as Buffer);
      read += (chunk as Buffer).length;
    }
  }
  return read === bytes && hash.copy().digest("hex") === sha256 ? hash : undefined;
}

/** A file being written: invisible under its own name until `commit`. */
export class AtomicFile {
  readonly path: string;
  readonly #handle: FileHandle;
  /** Of all that was written; only where a later run may go on with the file. */
  readonly #hash: Hash | undefined;
  #bytes: number;
  #open = true;

  private constructor(path: string, handle: FileHandle, hash?: Hash, bytes = 0) {
    this.path = path;
    this.#handle = handle;
    this.#hash = hash;
    this.#bytes = bytes;
  }

  /**
   * Starts the file; an unfinished one of an earlier run is overwritten, missing folders are made. One that is
   * `resumable` knows its `point`.
   */
  static async create(path: string, { resumable = false } = {}): Promise<AtomicFile> {
    return withDiskErrors(path, 0, async () => {
      await mkdir(dirname(path), { recursive: true });
      const handle = await open(path + UNFINISHED_SUFFIX, "w");
      return new AtomicFile(path, handle, resumable ? startSha256() : undefined);
    });
  }

  /**
   * Goes on with a file at a point of an earlier run, which may have written more or even have finished it; what came
   * after the point is cut off. `undefined` when the bytes before it are not those any more.
   */
  static async resume(path: string, point: FilePoint): Promise<AtomicFile | undefined> {
    const unfinished = path + UNFINISHED_SUFFIX;
    return withDiskErrors(path, 0, async () => {
      if (!existsSync(unfinished) && existsSync(path)) await rename(path, unfinished);
      const hash = await hashPrefix(unfinished, point).catch((error: unknown) => {
        if (systemErrorCode(error) === "ENOENT") return undefined;
        throw error;
      });
      if (hash === undefined) return undefined;
      await truncate(unfinished, point.bytes);
      return new AtomicFile(path, await open(unfinished, "a"), hash, point.bytes);
    });
  }

  /** Flushes the file and says how far it is. The file must be `resumable`. */
  async point(): Promise<FilePoint> {
    await withDiskErrors(this.path, 0, () => this.#handle.sync());
    return this.written;
  }

  /** All that was written so far. The file must be `resumable`. */
  get written(): FilePoint {
    assert(this.#hash !== undefined, "only a resumable file knows its hash");
    return { bytes: this.#bytes, sha256: this.#hash.copy().digest("hex") };
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds `data` (text as UTF-8) at the end. */
  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    await withDiskErrors(this.path, bytes.length, () => this.#handle.appendFile(bytes));
    this.#hash?.update(bytes);
    this.#bytes += bytes.length;
  }

  /** Flushes the file and gives it its name. */
  async commit(): Promise<void> {
    await withDiskErrors(this.path, this.#bytes, async () => {
      await this.#handle.sync();
      await this.#close();
      await rename(this.path + UNFINISHED_SUFFIX, this.path);
      await syncFolder(dirname(this.path));
    });
  }

  /** Drops what was written. Harmless after `commit`. */
  async abandon(): Promise<void> {
    if (!this.#open) return;
    await this.#close();
    await rm(this.path + UNFINISHED_SUFFIX, { force: true });
  }

  /** Lets go of the file as it is, for a later run to resume. Harmless after `commit`. */
  async suspend(): Promise<void> {
    if (this.#open) await this.#close();
  }

  async #close(): Promise<void> {
    this.#open = false;
    await this.#handle.close();
  }
}

/** Replaces the file at `path` by `data` in one step (write beside, flush, rename). */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const file = await AtomicFile.create(path);
  try {
    await file.write(data);
    await file.commit();
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

/** Writes `value` as indented JSON with sorted keys: the same value is always the same bytes. */
export async function writeJsonAtomic(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(JSON.parse(canonicalJson(value)), null, 2)}\n`);
}
