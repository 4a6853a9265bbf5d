/** @file What a GGUF's check refuses because llama.cpp would end the process on it (`gguf.slow.test.ts` found each by loading it). */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkGguf } from "../../src/generate/gguf-check.ts";
import { writeApertusGguf } from "../../src/release/index.ts";
import { TINY, writeTinyModel } from "../release/tiny-model.ts";
import { type GgufParts, putTogether, takeApart } from "./gguf-edits.ts";

const U16 = 2;
const U32 = 4;
const F32 = 6;
const TEXT = 8;
const LIST = 9;

let dir: string;
let sound: Buffer;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-gguf-check-"));
  const folders = await writeTinyModel(dir, { ...TINY, layers: 1 }, 4);
  const path = join(dir, "tiny.gguf");
  await writeApertusGguf({ ...folders, path, type: "F32", about: { name: "tiny", languages: ["de"] } });
  sound = await readFile(path);
});
afterAll(() => rm(dir, { recursive: true }));

const text = (value: string): Buffer => {
  const bytes = Buffer.alloc(8 + Buffer.byteLength(value));
  bytes.writeBigUInt64LE(BigInt(Buffer.byteLength(value)));
  bytes.write(value, 8);
  return bytes;
};
const number = (value: number, width = 4): Buffer => {
  const bytes = Buffer.alloc(width);
  bytes.writeUIntLE(value, 0, width);
  return bytes;
};
const float = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};
/** Puts a value under a key, in the place of another or as a new one. */
function set(key: string, type: number, values: readonly Buffer[], of?: number) {
  return ({ entries }: GgufParts): void => {
    const entry = { key, type, values: [...values], ...(of === undefined ? {} : { of }) };
    const at = entries.findIndex((other) => other.key === key);
    if (at < 0) entries.push(entry);
    else entries[at] = entry;
  };
}
function retype(name: string, type: number) {
  return ({ tensors }: GgufParts): void => {
    tensors.find((tensor) => tensor.name === name)!.type = type;
  };
}

async function check(name: string, edit: (parts: GgufParts) => void): Promise<unknown> {
  const parts = takeApart(sound);
  edit(parts);
  const path = join(dir, name);
  await writeFile(path, putTogether(parts));
  return checkGguf(path).catch((error: unknown) => error);
}

describe("a GGUF on which llama.cpp would end the process", () => {
  it.each<readonly [string, (parts: GgufParts) => void]>([
    ["tokenizer of kind none", set("tokenizer.ggml.model", TEXT, [text("none")])],
    ["tokenizer of kind rwkv", set("tokenizer.ggml.model", TEXT, [text("rwkv")])],
    ["tokenizer without the byte <0x00>", set("tokenizer.ggml.model", TEXT, [text("llama")])],
    ["token list with 1 doubles", set("tokenizer.ggml.tokens", LIST, [text("a"), text("a\0b")], TEXT)],
    ["token_type not one number per token", set("tokenizer.ggml.token_type", LIST, [number(1)], U32)],
    ["merges that are no texts", set("tokenizer.ggml.merges", LIST, [number(1)], U32)],
    ["expert_count = 4096", set("apertus.expert_count", U32, [number(4096)])],
    ["expert_used_count = 3", set("apertus.expert_used_count", U32, [number(3)])],
    ["expert_used_count as a list", set("apertus.expert_used_count", LIST, [number(3)], U32)],
    ["expert_group_count = 2", set("apertus.expert_group_count", U32, [number(2)])],
    ["nextn_predict_layers = 5", set("apertus.nextn_predict_layers", U32, [number(5)])],
    ["rope.scaling.type = x", set("apertus.rope.scaling.type", TEXT, [text("x")])],
    ["epsilon = -1", set("apertus.attention.layer_norm_rms_epsilon", F32, [float(-1)])],
    ["freq_base = NaN", set("apertus.rope.freq_base", F32, [float(Number.NaN)])],
    ["key without a name", set("", U32, [number(1)])],
    ["NUL in a metadata key", set("\0eneral.size_label", U32, [number(1)])],
    ["split.count of another type", set("split.count", TEXT, [text("2")])],
    ["a name that does not end in -00001-of-00002.gguf", set("split.count", U16, [number(2, 2)])],
    ["number type 26 in blk.0.attn_q.weight", retype("blk.0.attn_q.weight", 26)],
    ["number type 9 in output.weight", retype("output.weight", 9)],
    ["number type 1 in blk.0.attn_norm.weight", retype("blk.0.attn_norm.weight", 1)],
  ])("is refused: %s", async (why, edit) => {
    expect(await check("edited.gguf", edit)).toMatchObject({
      code: "GENERATE_GGUF",
      parts: { got: expect.stringContaining(why) },
    });
  });

  it("is refused in each of its parts", async () => {
    const first = set("split.count", U16, [number(2, 2)]);
    const name = "model-00001-of-00002.gguf";
    expect(await check(name, first)).toMatchObject({
      code: "GENERATE_GGUF",
      parts: { where: expect.stringContaining("00002-of-00002") },
    });
    await check("model-00002-of-00002.gguf", (parts) => {
      first(parts);
      set("split.no", U16, [number(1, 2)])(parts);
    });
    expect(await check(name, first)).toMatchObject({ architecture: "apertus", parts: 2 });
    await writeFile(join(dir, "model-00002-of-00002.gguf"), sound.subarray(0, 5000));
    expect(await check(name, first)).toMatchObject({ code: "GENERATE_GGUF" });
  });

  it("is sound as the exporter writes it", async () => {
    expect(await check("sound.gguf", () => undefined)).toEqual({
      architecture: "apertus",
      vocabSize: 400,
      parts: 1,
    });
  });
});
