/** @file Where a run of the tests keeps its built page; Vitest's process owns it, and removes what an earlier run left. */
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** @param pid Vitest's own process, whose children run the tests */
export function pageFolder(pid: number): string {
  return path.join(tmpdir(), `firn-page-${pid}`);
}

const remove = (): Promise<void> => rm(pageFolder(process.pid), { recursive: true, force: true });

export { remove as setup, remove as teardown };
