/**
 * @file Files that are either whole or not there. Everything Firn keeps is written beside its place, flushed to the
 * disk, and renamed; a kill at any moment leaves the old file or the new one, never half of one.
 */
import { statfsSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { canonicalJson, FirnError, formatBytes, systemErrorCode } from "../core/index.ts";

/** The ending of files that are not finished; the store sweeps them away before it seals an artifact. */
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

/** A file being written: invisible under its own name until `commit`. */
export class AtomicFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #bytes = 0;
  #open = true;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** Starts the file; an unfinished one of an earlier run is overwritten, missing folders are made. */
  static async create(path: string): Promise<AtomicFile> {
    return withDiskErrors(path, 0, async () => {
      await mkdir(dirname(path), { recursive: true });
      return new AtomicFile(path, await open(path + UNFINISHED_SUFFIX, "w"));
    });
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds `data` (text as UTF-8) at the end. */
  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    await withDiskErrors(this.path, bytes.length, () => this.#handle.appendFile(bytes));
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
