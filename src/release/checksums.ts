/** @file `SHA256SUMS`: the checksum of every other file of a release, in the format of `sha256sum -c`. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { hashFile, listFiles, writeFileAtomic } from "../artifacts/index.ts";
import { sha256 } from "../core/index.ts";

export const CHECKSUMS = "SHA256SUMS";

/** A file of a release. */
export interface ReleaseFile {
  /** Relative, `/`-separated. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Every file of `dir` with its checksum, sorted; a file in `known` is not read again. */
export async function hashRelease(
  dir: string,
  known: ReadonlyMap<string, ReleaseFile> = new Map(),
): Promise<ReleaseFile[]> {
  const files: ReleaseFile[] = [];
  for (const path of await listFiles(dir)) {
    files.push(known.get(path) ?? { path, ...(await hashFile(join(dir, path))) });
  }
  return files;
}

/** Writes `SHA256SUMS` over `files`; returns its own checksum, which stands for every byte. */
export async function writeChecksums(dir: string, files: readonly ReleaseFile[]): Promise<string> {
  const path = join(dir, CHECKSUMS);
  await writeFileAtomic(path, files.map((file) => `${file.sha256}  ${file.path}\n`).join(""));
  return sha256(await readFile(path));
}
