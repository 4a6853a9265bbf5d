/** @file A few tokens out of a split's `.bin`, without reading the rest. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { FirnError, systemErrorCode } from "../core/index.ts";

/**
 * The ids at `[offset, offset + length)` of `split` in the tokens artifact `dir`, as `documents.parquet` places a document.
 *
 * @throws FirnError `TOKENS_MISSING`, `TOKENS_BROKEN`
 */
export async function readTokenRange(
  dir: string,
  split: string,
  offset: number,
  length: number,
): Promise<Int32Array> {
  const path = join(dir, `${split}.bin`);
  const fault = (code: "TOKENS_MISSING" | "TOKENS_BROKEN", got: string, cause?: unknown): FirnError =>
    new FirnError(code, {
      expected: `${length} tokens from ${offset} on`,
      got,
      where: path,
      next: "Point to a whole tokens artifact, or build it again.",
      cause,
    });
  const file = await open(path, "r").catch((cause: unknown) => {
    throw fault("TOKENS_MISSING", systemErrorCode(cause) ?? "a file that cannot be opened", cause);
  });
  try {
    const ids = new Int32Array(length);
    const { bytesRead } = await file.read(new Uint8Array(ids.buffer), 0, 4 * length, 4 * offset);
    if (bytesRead < 4 * length)
      throw fault("TOKENS_BROKEN", `a file that ends after ${bytesRead / 4} of them`);
    return ids;
  } finally {
    await file.close();
  }
}
