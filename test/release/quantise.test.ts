/**
 * @file Our quantised GGUFs against llama.cpp's own quantiser, `llama_model_quantize`, called in the library that
 * node-llama-cpp installs: the same tensors in the same formats with the same bytes.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gguf } from "@huggingface/gguf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GgufFileType, writeApertusGguf } from "../../src/release/index.ts";
import { llamaLibraries, llamaQuantiser } from "./llama-quantiser.ts";
import { TINY, writeTinyModel } from "./tiny-model.ts";

/** Rows of a multiple of 256, and enough layers that the mixture of formats shows. */
const WIDE = { ...TINY, hiddenSize: 256, ffnSize: 256, heads: 4, headDim: 64, layers: 9 };
const ABOUT = { name: "wide", languages: ["de"] };

const dirOfLibraries = llamaLibraries();
let dir: string;
let folders: Awaited<ReturnType<typeof writeTinyModel>>;
let quantize: ReturnType<typeof llamaQuantiser>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-quantise-"));
  if (dirOfLibraries === undefined) return;
  folders = await writeTinyModel(join(dir, "model"), WIDE, 5);
  quantize = llamaQuantiser(dirOfLibraries);
});
afterAll(() => rm(dir, { recursive: true }));

/** Tensor name → number format and bytes. */
async function tensorsOf(path: string): Promise<Map<string, string>> {
  const { tensorInfos, tensorDataOffset } = await gguf(path, { allowLocalFile: true });
  const bytes = await readFile(path);
  const starts = [
    ...tensorInfos.map(({ offset }) => Number(offset)),
    bytes.length - Number(tensorDataOffset),
  ];
  starts.sort((a, b) => a - b);
  return new Map(
    tensorInfos.map(({ name, dtype, offset }) => {
      const start = Number(tensorDataOffset) + Number(offset);
      const end = Number(tensorDataOffset) + starts[starts.indexOf(Number(offset)) + 1]!;
      return [name, `${dtype} ${bytes.subarray(start, end).toString("base64")}`];
    }),
  );
}

describe.runIf(dirOfLibraries !== undefined)("a quantised GGUF", () => {
  it.each([
    ["Q8_0", 7, {}],
    ["Q4_0", 2, { output_tensor_type: 8 }],
    ["Q4_K", 15, {}],
  ] as const)("in %s has the bytes that llama.cpp's quantiser writes", async (type, ftype, choice) => {
    const write = async (wanted: GgufFileType): Promise<string> => {
      const path = join(dir, `${wanted}.gguf`);
      await writeApertusGguf({ ...folders, path, type: wanted, about: ABOUT });
      return path;
    };
    const full = await write("F32");
    const theirs = join(dir, "theirs.gguf");
    expect(quantize(full, theirs, { ftype, ...choice })).toBe(0);
    const expected = await tensorsOf(theirs);
    const ours = await tensorsOf(await write(type));
    expect([...ours.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, bytes] of ours) expect(bytes === expected.get(name), name).toBe(true);
    const formats = new Set([...ours.values()].map((bytes) => bytes.split(" ")[0]));
    expect(formats.size).toBe(type === "Q8_0" ? 2 : 3);
  });
});
