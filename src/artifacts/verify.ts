/**
 * @file Is an artifact still what its manifest says? Names and sizes are compared every time. Content is hashed when
 * asked (`deep`) or when a file's size, times or inode differ from those seen when it was last known to be good; that
 * memory is a cache beside the artifacts and can be deleted at any time.
 */
import type { BigIntStats } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { assert, FirnError } from "../core/index.ts";
import type { Artifact } from "./artifact.ts";
import { writeFileAtomic } from "./atomic.ts";
import { hashFile, MANIFEST_FILE } from "./manifest.ts";

/** Paths (`/`-separated, sorted) of all files under `dir`. Anything but plain files and folders is refused. */
export async function listFiles(dir: string): Promise<string[]> {
  const paths: string[] = [];
  const walk = async (prefix: string): Promise<void> => {
    for (const entry of await readdir(join(dir, prefix), { withFileTypes: true })) {
      const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile()) paths.push(path);
      else {
        throw new FirnError("ARTIFACT_FILE_KIND", {
          expected: "only plain files and folders in an artifact",
          got: "a link or special file",
          where: join(dir, path),
          next: "Remove it; an artifact must hold its own bytes.",
        });
      }
    }
  };
  await walk("");
  return paths.sort();
}

type Seen = Readonly<Record<string, string>>;

function fileState(stats: BigIntStats): string {
  return `${stats.size} ${stats.mtimeNs} ${stats.ctimeNs} ${stats.ino}`;
}

async function readSeen(cachePath: string): Promise<Seen> {
  try {
    const value: unknown = JSON.parse(await readFile(cachePath, "utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Seen) : {};
  } catch {
    return {};
  }
}

/** Remembers that every file of `artifact` is now as its manifest says. */
export async function rememberVerified(artifact: Artifact, cachePath: string): Promise<void> {
  const seen: Record<string, string> = {};
  for (const { path } of artifact.manifest.files) {
    seen[path] = fileState(await stat(join(artifact.dir, path), { bigint: true }));
  }
  await writeFileAtomic(cachePath, JSON.stringify(seen));
}

function edited(artifact: Artifact, faults: readonly string[]): FirnError {
  const shown = faults.slice(0, 5).join("; ");
  return new FirnError("ARTIFACT_EDITED", {
    expected: "the files that the stage wrote",
    got: faults.length > 5 ? `${shown}; and ${faults.length - 5} more` : shown,
    where: artifact.dir,
    next:
      `Put the original back, or rebuild it: rm -r '${artifact.dir.replaceAll("'", "'\\''")}' ` +
      "and run the same command again.",
  });
}

/**
 * Compares the files of `artifact` with its manifest.
 *
 * @param options.deep hash every file, whatever the cache says
 * @param options.cachePath where to remember what was found good
 * @throws FirnError `ARTIFACT_EDITED` naming every missing, added or changed file
 */
export async function verifyFiles(
  artifact: Artifact,
  options: { readonly deep?: boolean; readonly cachePath?: string },
): Promise<void> {
  const { dir, manifest } = artifact;
  const found = new Set(await listFiles(dir));
  assert(found.delete(MANIFEST_FILE), "an artifact has a manifest");
  const seen = options.cachePath === undefined ? {} : await readSeen(options.cachePath);
  const faults: string[] = [];
  let learnt = false;
  for (const file of manifest.files) {
    if (!found.delete(file.path)) {
      faults.push(`${file.path} is missing`);
      continue;
    }
    const stats = await stat(join(dir, file.path), { bigint: true });
    if (Number(stats.size) !== file.bytes) {
      faults.push(`${file.path} has ${stats.size} bytes instead of ${file.bytes}`);
      continue;
    }
    if (options.deep !== true && seen[file.path] === fileState(stats)) continue;
    learnt = true;
    if ((await hashFile(join(dir, file.path))).sha256 !== file.sha256) {
      faults.push(`${file.path} was changed (its SHA-256 differs)`);
    }
  }
  for (const path of found) faults.push(`${path} was added`);
  if (faults.length > 0) throw edited(artifact, faults);
  if (learnt && options.cachePath !== undefined) await rememberVerified(artifact, options.cachePath);
}
