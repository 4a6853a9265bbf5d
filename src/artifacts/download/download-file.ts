/**
 * @file A file from a server to the disk, whole and checked or not there. What has arrived survives breaks and kills, and the
 * next attempt asks for the rest only (HTTP ranges, RFC 9110 §14); a file that changed in between is started over.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { FirnError, startSha256, systemErrorCode } from "../../core/index.ts";
import { syncFolder, UNFINISHED_SUFFIX, withDiskErrors } from "../atomic.ts";
import { takeLock } from "../lock.ts";
import {
  checkStatus,
  type OpenResponse,
  openOnce,
  PassingTrouble,
  printableUrl,
  type ServerAccess,
  withRetries,
} from "./request.ts";

/** What is known of a file before it is fetched. What is left out is not checked. */
export interface ExpectedFile {
  readonly bytes?: number | undefined;
  readonly sha256?: string | undefined;
  /** Git's name of the content: SHA-1 over `blob <bytes>\0` and the content. */
  readonly gitOid?: string | undefined;
}

export interface DownloadOptions {
  readonly url: string;
  /** Where the file goes. Beside it lie, until it is whole, `….firn-tmp` and what the server calls that version. */
  readonly path: string;
  readonly expect?: ExpectedFile;
  readonly access?: ServerAccess;
  readonly signal: AbortSignal;
  /** Called as bytes arrive: how many are there, and of how many where that is known. */
  onProgress?(bytes: number, total: number | undefined): void;
}

/** A file that is whole. */
export interface Downloaded {
  readonly bytes: number;
  readonly sha256: string;
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (info) => info.size,
    (error: unknown) => {
      if (systemErrorCode(error) === "ENOENT") return 0;
      throw error;
    },
  );
}

/** Both hashes of a file in one pass. */
async function measure(path: string, signal: AbortSignal): Promise<Downloaded & { gitOid: string }> {
  const bytes = await sizeOf(path);
  const content = startSha256();
  const git = createHash("sha1").update(`blob ${bytes}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>) {
    signal.throwIfAborted();
    content.update(chunk);
    git.update(chunk);
  }
  return { bytes, sha256: content.digest("hex"), gitOid: git.digest("hex") };
}

/** How a file differs from what was announced; `undefined` when it does not. */
function difference(
  found: Downloaded & { gitOid: string },
  expect: ExpectedFile,
): { expected: string; got: string } | undefined {
  if (expect.bytes !== undefined && found.bytes !== expect.bytes)
    return { expected: `${expect.bytes} bytes`, got: `${found.bytes} bytes` };
  if (expect.sha256 !== undefined && found.sha256 !== expect.sha256)
    return { expected: `SHA-256 ${expect.sha256}`, got: `SHA-256 ${found.sha256}` };
  if (expect.gitOid !== undefined && found.gitOid !== expect.gitOid)
    return { expected: `Git object ${expect.gitOid}`, got: `Git object ${found.gitOid}` };
  return undefined;
}

/** `bytes 100-199/200` → first byte and total. */
function contentRange(value: string | null): { start: number; total: number | undefined } | undefined {
  const match = /^bytes (\d{1,16})-\d{1,16}\/(\d{1,16}|\*)$/.exec(value?.trim() ?? "");
  if (match === null) return undefined;
  return { start: Number(match[1]), total: match[2] === "*" ? undefined : Number(match[2]) };
}

/** The unfinished file, and what its server calls this version of it. */
class PartialFile {
  readonly path: string;
  readonly #versionPath: string;
  bytes = 0;
  /** Whether it was put together from more than one answer. */
  resumed = false;
  /** A strong `ETag`, or a `Last-Modified`, that `If-Range` takes. */
  version: string | undefined;

  constructor(path: string) {
    this.path = path + UNFINISHED_SUFFIX;
    this.#versionPath = `${path}.version${UNFINISHED_SUFFIX}`;
  }

  /** Finds what an earlier attempt left; without the name of its version it is of use only when a hash will tell. */
  async find(canTell: boolean): Promise<void> {
    this.bytes = await sizeOf(this.path);
    this.version = await readFile(this.#versionPath, "utf8").catch(() => undefined);
    if (this.version === undefined && !canTell) this.bytes = 0;
    this.resumed = this.bytes > 0;
  }

  async startOver(): Promise<void> {
    this.bytes = 0;
    this.resumed = false;
    this.version = undefined;
    await rm(this.path, { force: true });
    await rm(this.#versionPath, { force: true });
  }

  async setVersion(version: string | undefined): Promise<void> {
    if (version === this.version) return;
    this.version = version;
    if (version === undefined) await rm(this.#versionPath, { force: true });
    else await writeFile(this.#versionPath, version);
  }

  /** Appends at `bytes`, wherever a torn write left the end of the file. */
  async append(chunks: AsyncIterable<Uint8Array>, onChunk: () => void): Promise<void> {
    this.resumed ||= this.bytes > 0;
    const handle = await open(this.path, this.bytes === 0 ? "w" : "r+");
    try {
      for await (const chunk of chunks) {
        for (let at = 0; at < chunk.length; ) {
          const { bytesWritten } = await handle.write(chunk, at, chunk.length - at, this.bytes + at);
          at += bytesWritten;
        }
        this.bytes += chunk.length;
        onChunk();
      }
    } finally {
      await handle.close();
    }
  }

  async commit(path: string): Promise<void> {
    const handle = await open(this.path, "r+");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(this.path, path);
    await rm(this.#versionPath, { force: true });
    await syncFolder(dirname(path));
  }
}

/** The name of the version that a response carries, in a form that `If-Range` takes. */
function versionOf({ headers }: Response): string | undefined {
  const tag = headers.get("etag");
  return tag?.startsWith('"') === true ? tag : (headers.get("last-modified") ?? undefined);
}

/** Where the body of a response begins and how long the file is, by what the server says. */
async function place(
  options: DownloadOptions,
  partial: PartialFile,
  answer: OpenResponse,
): Promise<number | undefined> {
  const { response } = answer;
  if ((response.headers.get("content-encoding") ?? "identity") !== "identity") {
    answer.close();
    throw new FirnError("DOWNLOAD_ANSWER", {
      expected: "the file as it lies on the server",
      got: `one packed for the way (Content-Encoding: ${response.headers.get("content-encoding")})`,
      where: printableUrl(options.url),
      next: "Fetch it with another program, and name the file on the disk.",
    });
  }
  if (response.status === 206) {
    const range = contentRange(response.headers.get("content-range"));
    if (range?.start === partial.bytes) return range.total;
    answer.close();
    await partial.startOver();
    throw new PassingTrouble("another part of the file than was asked for");
  }
  // The whole file: the server knows no ranges, or the file is another one by now.
  await partial.startOver();
  const length = response.headers.get("content-length");
  return length === null || !/^\d{1,16}$/.test(length) ? undefined : Number(length);
}

function wrongSize(options: DownloadOptions, got: string): FirnError {
  return new FirnError("DOWNLOAD_SIZE", {
    expected: `${options.expect?.bytes} bytes, as announced`,
    got,
    where: printableUrl(options.url),
    next: "The file on the server is another one than was announced: pin a revision that still exists.",
  });
}

/** One request for what is missing. */
async function fetchRest(options: DownloadOptions, partial: PartialFile): Promise<void> {
  const { url, signal, expect = {}, access = {} } = options;
  const headers: Record<string, string> = { "Accept-Encoding": "identity" };
  if (partial.bytes > 0) {
    headers["Range"] = `bytes=${partial.bytes}-`;
    if (partial.version !== undefined) headers["If-Range"] = partial.version;
  }
  const answer = await openOnce(url, headers, access, signal);
  checkStatus(url, answer, access, [416]);
  if (answer.response.status === 416) {
    answer.close();
    await partial.startOver();
    throw new PassingTrouble("the file ends before the part that was asked for");
  }
  const total = await place(options, partial, answer);
  if (expect.bytes !== undefined && total !== undefined && total !== expect.bytes) {
    answer.close();
    throw wrongSize(options, `${total} bytes`);
  }
  await partial.setVersion(versionOf(answer.response));
  const end = total ?? expect.bytes;
  await withDiskErrors(options.path, (end ?? 0) - partial.bytes, () =>
    partial.append(answer.body(), () => {
      options.onProgress?.(partial.bytes, end);
      if (end !== undefined && partial.bytes > end) throw wrongSize(options, `more than ${end} bytes`);
    }),
  );
  if (end !== undefined && partial.bytes < end)
    throw new PassingTrouble(`${partial.bytes} of ${end} bytes and then the end`);
}

async function fetchChecked(options: DownloadOptions): Promise<Downloaded> {
  const { path, expect = {}, signal } = options;
  const partial = new PartialFile(path);
  await partial.find(expect.sha256 !== undefined || expect.gitOid !== undefined);
  for (;;) {
    if (partial.bytes === 0 || partial.bytes !== expect.bytes) {
      const attempt = (): Promise<void> => fetchRest(options, partial);
      await withRetries(options.url, options.access ?? {}, signal, attempt, () => partial.bytes);
    }
    const found = await measure(partial.path, signal);
    const wrong = difference(found, expect);
    if (wrong === undefined) {
      await withDiskErrors(path, 0, () => partial.commit(path));
      return { bytes: found.bytes, sha256: found.sha256 };
    }
    const { resumed } = partial;
    await partial.startOver();
    // Parts may have been of two versions; what came in one go is what the server has.
    if (!resumed) {
      throw new FirnError("DOWNLOAD_CHECKSUM", {
        ...wrong,
        where: printableUrl(options.url),
        next: "The bytes are not those that were announced, and were thrown away. Try again; if it stays so, do not trust the source.",
      });
    }
  }
}

/**
 * Fetches `url` to `path` unless the expected file is there already. Breaks are retried from where they came; a kill leaves
 * what has arrived for the next call.
 *
 * @throws FirnError `DOWNLOAD_UNREACHABLE`, `DOWNLOAD_REFUSED`, `DOWNLOAD_MISSING`, `DOWNLOAD_ANSWER`, `DOWNLOAD_SIZE`,
 *   `DOWNLOAD_CHECKSUM`, `STORE_LOCKED` when another process fetches the same file, `DISK_FULL`, `DISK_DENIED`
 */
export async function downloadFile(options: DownloadOptions): Promise<Downloaded> {
  const { path, expect = {}, signal } = options;
  await withDiskErrors(path, 0, () => mkdir(dirname(path), { recursive: true }));
  const lock = await takeLock(`${path}.lock`, `the download of ${printableUrl(options.url)}`);
  try {
    const there = await stat(path).catch(() => undefined);
    if (there?.isFile() === true && (expect.sha256 ?? expect.gitOid) !== undefined) {
      const found = await measure(path, signal);
      if (difference(found, expect) === undefined) return { bytes: found.bytes, sha256: found.sha256 };
    }
    return await fetchChecked(options);
  } finally {
    lock.release();
  }
}
