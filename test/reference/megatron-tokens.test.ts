/** @file Tokens as Megatron-LM's own dataset reads them; judged by bench/peers/megatron_tokens_reference.py. */
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { openTokens, TokensWriter } from "../../src/artifacts/index.ts";
import { sha256 } from "../../src/core/index.ts";

const REFERENCE = fileURLToPath(new URL("tiny-megatron-tokens", import.meta.url));
/** Length and repeats of each document; 16 · 25 + 1 tokens in a pass, so that samples of 16 leave none out. */
const DOCUMENTS: readonly (readonly [length: number, repeats: number])[] = [
  [9, 1],
  [5, 16],
  [40, 1],
  [12, 4],
  [3, 64],
  [2, 7],
  [18, 1],
];

const dir = await mkdtemp(join(tmpdir(), "firn-megatron-tokens-"));
afterAll(() => rm(dir, { recursive: true }));

it("reads each document as often in a pass as its row says", async () => {
  const writer = await TokensWriter.create(dir, { vocabSize: 4096, tokenizer: "ab".repeat(32) });
  await writer.startSplit("train");
  for (const [i, [length, repeats]] of DOCUMENTS.entries()) {
    const middle = Array.from({ length: length - 3 }, (_, n) => 2000 + n);
    const ids = length === 2 ? [1, 1000 + i] : [1, 1000 + i, ...middle, 2];
    const about = { id: `s/${i}`, language: null, source: "s", bytes: length, repeats };
    await writer.add(Int32Array.from(ids), about);
  }
  await writer.close();
  const files = ["train.bin", "train.idx"];
  if (process.env["FIRN_WRITE_REFERENCE"] === "1")
    for (const file of files) await copyFile(join(dir, file), join(REFERENCE, file));
  const judged = JSON.parse(await readFile(join(REFERENCE, "judged.json"), "utf8")) as {
    read: Record<string, number>;
    sequences: number;
    sha256: Record<string, string>;
  };
  for (const file of files) expect(sha256(await readFile(join(dir, file))), file).toBe(judged.sha256[file]);
  const rows = await (await openTokens(dir, "train")).documents();
  expect(Object.fromEntries(rows.map(({ repeats }, i) => [String(1000 + i), repeats]))).toEqual(judged.read);
  expect(judged.sequences).toBe(rows.reduce((sum, { repeats }) => sum + repeats, 0));
});
