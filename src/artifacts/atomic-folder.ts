/** @file A folder that is either whole or not there: written beside its place under another name, then renamed. */
import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { FirnError, systemErrorCode } from "../core/index.ts";
import { syncFolder, withDiskErrors } from "./atomic.ts";

async function namesIn(dir: string): Promise<string[] | undefined> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    if (systemErrorCode(error) === "ENOTDIR") return ["a file"];
    throw error;
  }
}

/**
 * Lets `write` fill a folder `<dir>.partial` and gives it its name. What an earlier, killed attempt left is thrown away.
 *
 * @throws FirnError `DISK_TARGET` when `dir` already holds something; `DISK_…`
 */
export async function writeFolderAtomic(
  dir: string,
  write: (partial: string) => Promise<void>,
): Promise<void> {
  const there = await namesIn(dir);
  if (there !== undefined && there.length > 0) {
    throw new FirnError("DISK_TARGET", {
      expected: "a new or empty folder to write into",
      got: `one that holds ${there.slice(0, 3).join(", ")}${there.length > 3 ? " …" : ""}`,
      where: dir,
      next: "Choose another place; nothing is written over.",
    });
  }
  const partial = `${dir}.partial`;
  await withDiskErrors(dir, 0, async () => {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
  });
  try {
    await write(partial);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  await withDiskErrors(dir, 0, async () => {
    if (there !== undefined) await rmdir(dir);
    await syncFolder(partial);
    await rename(partial, dir);
    await syncFolder(dirname(dir));
  });
}
