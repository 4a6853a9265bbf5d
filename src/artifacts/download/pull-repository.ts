/**
 * @file A whole repository of the Hub into a folder, at one commit. `pulled.json` says from the start which commit that is and
 * in the end what every file is; a pull that was stopped goes on at the same commit, whatever the branch does meanwhile.
 */
import { mkdir, readFile, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FirnError, formatBytes, type Reporter, systemErrorCode } from "../../core/index.ts";
import { syncFolder, writeJsonAtomic } from "../atomic.ts";
import { takeLock } from "../lock.ts";
import {
  downloadHubFile,
  type HubAccess,
  type HubAddress,
  type HubFile,
  isInside,
  readHubSnapshot,
} from "./hub-api.ts";
import { shellParts, wildcardMatcher } from "./wildcard.ts";

/** What was pulled into a folder. */
export const PULLED_FILE = "pulled.json";

const recordSchema = z.object({
  repository: z.string(),
  endpoint: z.string(),
  /** As it was asked for. */
  revision: z.string(),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  licence: z.string().nullable(),
  /** False while files are missing. */
  complete: z.boolean(),
  files: z.record(z.string(), z.object({ bytes: z.int().nonnegative(), sha256: z.string() })),
});
export type PullRecord = z.infer<typeof recordSchema>;

export interface PullOptions {
  readonly address: Omit<HubAddress, "path" | "revision">;
  /** Branch, tag or commit. Left out: the commit of the unfinished pull in `dir`, else `main`. */
  readonly revision?: string;
  readonly access: HubAccess;
  readonly dir: string;
  /** Files that match one of these; all when empty. `*` stands for any characters, `?` for one. */
  readonly include: readonly string[];
  /** Files that match one of these are left out. */
  readonly exclude: readonly string[];
  /** Files fetched at the same time. */
  readonly parallel: number;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/** A pattern of the shell as the Hub's own programs read it: `*` crosses folders. */
const matcher = (pattern: string): ((path: string) => boolean) => wildcardMatcher(shellParts(pattern));

function chosen(files: readonly HubFile[], options: PullOptions): HubFile[] {
  const include = options.include.map(matcher);
  const exclude = options.exclude.map(matcher);
  return files.filter(
    ({ path }) =>
      path !== PULLED_FILE &&
      (include.length === 0 || include.some((matches) => matches(path))) &&
      !exclude.some((matches) => matches(path)),
  );
}

/** The record in `dir`; undefined where nothing was pulled before. */
export async function readPullRecord(dir: string): Promise<PullRecord | undefined> {
  const path = join(dir, PULLED_FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FirnError("DOWNLOAD_RECORD", {
      expected: "the record of an earlier pull",
      got: "something else",
      where: path,
      next: "Remove the file to pull anew; files that are whole are not fetched again.",
      cause,
    });
  }
}

async function bytesThere(dir: string, files: readonly HubFile[]): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    for (const name of [file.path, `${file.path}.firn-tmp`]) {
      const size = await stat(join(dir, name)).then(
        (info) => info.size,
        () => 0,
      );
      bytes += Math.min(size, file.bytes);
    }
  }
  return bytes;
}

/** Says before the first byte that the disk is too small, instead of after hours. */
async function requireRoom(dir: string, files: readonly HubFile[]): Promise<void> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const missing = total - (await bytesThere(dir, files));
  const { bavail, bsize } = await statfs(dir);
  if (missing <= bavail * bsize) return;
  throw new FirnError("DISK_FULL", {
    expected: `room for ${formatBytes(missing)} more`,
    got: `${formatBytes(bavail * bsize)} free`,
    where: dir,
    next: "Free some space, choose a larger disk with --out, or leave files out with --exclude.",
  });
}

/** Fetches `files`, at most `parallel` at a time; the first error stops all. */
async function fetchAll(
  files: readonly HubFile[],
  { parallel, signal, report }: PullOptions,
  label: string,
  fetchOne: (file: HubFile, signal: AbortSignal, onBytes: (bytes: number) => void) => Promise<void>,
): Promise<void> {
  const task = report.task(
    label,
    files.reduce((sum, { bytes }) => sum + bytes, 0),
    "bytes",
  );
  const stop = new AbortController();
  const all = AbortSignal.any([signal, stop.signal]);
  const progress = new Map<string, number>();
  let done = 0;
  const queue = [...files];
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const { path } = file;
      await fetchOne(file, all, (bytes) => {
        done += bytes - (progress.get(path) ?? 0);
        progress.set(path, bytes);
        task.update(done, path);
      });
      done += file.bytes - (progress.get(path) ?? 0);
      progress.set(path, file.bytes);
      task.update(done, path);
    }
  };
  const workers = Array.from({ length: Math.min(parallel, files.length) }, () =>
    work().catch((error: unknown) => {
      stop.abort(error);
      throw error;
    }),
  );
  const failed = (await Promise.allSettled(workers)).find((result) => result.status === "rejected");
  // The one that failed first stopped the others; its error is the one to tell.
  if (failed !== undefined) throw stop.signal.reason;
  task.finish(`${label}: ${files.length} files`);
}

/**
 * Brings the chosen files of a repository into `options.dir`, every one checked against size and hash that the Hub lists.
 * Files of an earlier pull that this commit has no longer are removed.
 *
 * @throws FirnError `DOWNLOAD_…`, `DISK_…`, `STORE_LOCKED` when another process pulls into the same folder
 */
export async function pullRepository(options: PullOptions): Promise<PullRecord> {
  const { address, access, dir, signal } = options;
  await mkdir(dir, { recursive: true });
  const lock = await takeLock(join(dir, ".pull.lock"), `the pull of ${address.repository}`);
  try {
    const before = await readPullRecord(dir);
    if (before !== undefined && before.repository !== address.repository) {
      throw new FirnError("DOWNLOAD_RECORD", {
        expected: `a folder for ${address.repository}`,
        got: `one that holds ${before.repository}`,
        where: dir,
        next: "Choose another folder with --out.",
      });
    }
    const unfinished = before?.complete === false ? before : undefined;
    const revision = options.revision ?? unfinished?.commit ?? "main";
    const snapshot = await readHubSnapshot({ ...address, revision }, access, signal);
    const files = chosen(snapshot.files, options);
    if (files.length === 0) {
      throw new FirnError("DOWNLOAD_MISSING", {
        expected: "files to fetch",
        got: `none of ${snapshot.files.length} chosen`,
        where: `${address.repository} at ${snapshot.commit}`,
        next: "Change --include and --exclude.",
      });
    }
    await requireRoom(dir, files);
    const record: PullRecord = {
      repository: address.repository,
      endpoint: access.endpoint,
      revision: options.revision ?? unfinished?.revision ?? "main",
      commit: snapshot.commit,
      licence: snapshot.licence,
      complete: false,
      // What lies there already, so that nothing is forgotten if this pull is stopped, too.
      files: before?.files ?? {},
    };
    await writeJsonAtomic(join(dir, PULLED_FILE), record);
    const fetched: PullRecord["files"] = {};
    const label = `pull ${address.repository}@${snapshot.commit.slice(0, 8)}`;
    await fetchAll(files, options, label, async (file, all, onProgress) => {
      fetched[file.path] = await downloadHubFile(snapshot, file, access, {
        path: join(dir, file.path),
        signal: all,
        onProgress,
      });
    });
    const listed = new Set(snapshot.files.map(({ path }) => path));
    for (const path of Object.keys(record.files)) {
      if (isInside(path) && !listed.has(path)) await rm(join(dir, path), { force: true });
    }
    const kept = before?.commit === snapshot.commit ? before.files : {};
    const complete: PullRecord = { ...record, complete: true, files: { ...kept, ...fetched } };
    await writeJsonAtomic(join(dir, PULLED_FILE), complete);
    await syncFolder(dir);
    return complete;
  } finally {
    lock.release();
  }
}
