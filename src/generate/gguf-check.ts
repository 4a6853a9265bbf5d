/**
 * @file A look at a GGUF's first bytes before llama.cpp gets the file: most wrong files are caught here, with a
 * message that says what the file is instead.
 */
import { type FileHandle, open } from "node:fs/promises";
import { describeError, FirnError } from "../core/index.ts";

function refuse(path: string, got: string, next: string, cause?: unknown): FirnError {
  return new FirnError("GENERATE_GGUF", {
    expected: "a GGUF model file, version 2 or 3",
    got,
    where: path,
    next,
    cause,
  });
}

const REBUILD = "Download or export the file again.";

/** Throws `GENERATE_GGUF` unless `path` is a file that begins like a little-endian GGUF with believable counts. */
export async function checkGguf(path: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (error) {
    throw refuse(path, describeError(error), "Check the path.", error);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw refuse(path, "not a file", "Give the .gguf file itself, not its folder.");
    const head = Buffer.alloc(24);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    if (bytesRead < head.length) throw refuse(path, `a file of ${stat.size} bytes`, REBUILD);
    if (head.toString("latin1", 0, 4) !== "GGUF") {
      throw refuse(path, "a file of another format", "Use a .gguf file; `firn export --to gguf` writes one.");
    }
    const version = head.readUInt32LE(4);
    if (version !== 2 && version !== 3)
      throw refuse(path, `version ${version}`, "Convert it with a current tool.");
    // A tensor entry takes at least 24 bytes and a metadata entry at least 13.
    const tensors = head.readBigUInt64LE(8);
    const entries = head.readBigUInt64LE(16);
    if (tensors > BigInt(stat.size) / 24n || entries > BigInt(stat.size) / 13n) {
      throw refuse(path, `${tensors} tensors and ${entries} metadata entries in ${stat.size} bytes`, REBUILD);
    }
  } finally {
    await handle.close();
  }
}
