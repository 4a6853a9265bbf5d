/** @file Assembles fasttext-kernel.wat, for the script that ships it and the test that holds the two together. */
import { readFile } from "node:fs/promises";
import wabt from "wabt";

export async function assembleKernel(): Promise<Buffer> {
  const source = await readFile(new URL("../src/data/language/fasttext-kernel.wat", import.meta.url), "utf8");
  const module = (await wabt()).parseWat("fasttext-kernel.wat", source, { simd: true, threads: true });
  try {
    return Buffer.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}
