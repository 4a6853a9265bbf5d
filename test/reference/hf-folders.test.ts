/** @file Folders in both directions with transformers; made and judged by bench/peers/transformers_folders.py. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hashFile, SafetensorsFile } from "../../src/artifacts/index.ts";
import { FirnError } from "../../src/core/index.ts";
import { OnnxModel } from "../../src/generate/index.ts";
import { logSoftmax, parameterSpecs, referenceLogits } from "../../src/model/index.ts";
import { openWeightsFolder, writeHfFolder } from "../../src/release/index.ts";
import { readWeights } from "../../src/train/index.ts";

/** Written by transformers: bfloat16, three shards. */
const THEIRS = fileURLToPath(new URL("tiny-apertus-hf", import.meta.url));

let dir: string;
let ids: number[];
let expected: Float32Array;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-hf-"));
  const reference = await SafetensorsFile.open(join(THEIRS, "reference.safetensors"));
  ids = Array.from((await reference.tensor("ids")) as BigInt64Array, Number);
  expected = await reference.floats("logits", [ids.length, 64]);
  await reference.close();
});
afterAll(() => rm(dir, { recursive: true }));

async function copyTheirs(name: string): Promise<string> {
  await cp(THEIRS, join(dir, name), { recursive: true });
  return join(dir, name);
}

async function rewrite(
  dtype: "bfloat16" | "float16" | "float32",
  from: string,
  name: string,
  shardBytes = 20_000,
) {
  const weights = await openWeightsFolder(from);
  await writeHfFolder({ weights, tokenizerDir: undefined, dir: join(dir, name), dtype, shardBytes });
  await weights.tensors.close();
  return join(dir, name);
}

describe("a folder that transformers wrote", () => {
  it("has the logits that transformers computes from it", async () => {
    const { config, weights } = await readWeights(THEIRS);
    expect(config).toMatchObject({ ropeTheta: 500, eosIds: [2, 3], padId: 0, contextLength: 512 });
    const positions = ids.map((_, t) => t);
    const segments = ids.map(() => 0);
    const logits = referenceLogits(config, weights, ids, positions, segments);
    const largest = Math.max(...logits.map((value, i) => Math.abs(value - expected[i]!)));
    expect(largest).toBeLessThan(1e-5);
    const model = new OnnxModel(config, weights, { name: "theirs", threads: 1, batch: 1, length: 24 });
    const [scores] = await model.score([ids]);
    await model.close();
    ids.slice(1).forEach((id, t) => {
      const row = logSoftmax(Float64Array.from(expected.subarray(t * 64, (t + 1) * 64)));
      expect(Math.abs(scores![t + 1]! - row[id]!)).toBeLessThan(1e-4);
    });
  });

  it("becomes the same shards and index, byte for byte, when it is written again", async () => {
    const ours = await rewrite("bfloat16", THEIRS, "again");
    const files = (await readdir(ours)).filter((name) => name.startsWith("model"));
    expect(files).toHaveLength(4);
    for (const file of files) {
      // Their index ends without a newline.
      const theirs = (await readFile(join(THEIRS, file))).toString("latin1");
      const written = (await readFile(join(ours, file))).toString("latin1");
      expect(written.trimEnd() === theirs.trimEnd(), file).toBe(true);
    }
  });

  it("comes back bit for bit from float32, in one file or in shards", async () => {
    const wide = await rewrite("float32", THEIRS, "wide", 1e9);
    expect(await readdir(wide)).toContain("model.safetensors");
    const back = await rewrite("bfloat16", wide, "back");
    for (const file of (await readdir(back)).filter((name) => name.endsWith(".safetensors"))) {
      expect(await hashFile(join(back, file))).toEqual(await hashFile(join(THEIRS, file)));
    }
    const half = await rewrite("float16", await rewrite("float16", wide, "half"), "half-again");
    const [a, b] = [await readWeights(join(dir, "half")), await readWeights(half)];
    expect(a).toEqual(b);
  });
});

describe("a folder of ours", () => {
  it("is the one that transformers loaded, with equal weights and logits", async () => {
    const { files } = JSON.parse(await readFile(join(THEIRS, "judged.json"), "utf8")) as {
      files: Record<string, string>;
    };
    const ours = await rewrite("bfloat16", THEIRS, "judged");
    const hashes = await Promise.all(
      (await readdir(ours)).map(async (name) => [name, (await hashFile(join(ours, name))).sha256] as const),
    );
    expect(Object.fromEntries(hashes)).toEqual(files);
  });
});

describe("a folder that is not what it says", () => {
  const INDEX = "model.safetensors.index.json";
  const refuses = async (folder: string, message: RegExp): Promise<void> => {
    await expect(openWeightsFolder(folder)).rejects.toThrow(message);
    await expect(readWeights(folder)).rejects.toThrow(message);
  };
  const edit = async (folder: string, change: (index: { weight_map: Record<string, string> }) => void) => {
    const index = JSON.parse(await readFile(join(folder, INDEX), "utf8")) as {
      weight_map: Record<string, string>;
    };
    change(index);
    await writeFile(join(folder, INDEX), JSON.stringify(index));
  };

  it("is refused when a shard is missing, cut short or of another model", async () => {
    const folder = await copyTheirs("incomplete");
    const shard = join(folder, "model-00002-of-00003.safetensors");
    const bytes = await readFile(shard);
    await writeFile(shard, bytes.subarray(0, -2));
    await refuses(folder, /ARTIFACT_SAFETENSORS_BROKEN/);
    await rm(shard);
    await refuses(folder, /ARTIFACT_SAFETENSORS_MISSING.*model-00002/s);
    await cp(join(folder, "model-00001-of-00003.safetensors"), shard);
    await refuses(folder, /ARTIFACT_SAFETENSORS_INDEX/);
  });

  it.each([
    ["names a file that is elsewhere", "../model.safetensors", /ARTIFACT_SAFETENSORS_INDEX.*same folder/s],
    ["puts a tensor into the wrong shard", "model-00003-of-00003.safetensors", /ARTIFACT_SAFETENSORS_INDEX/],
  ])("is refused when its index %s", async (label, file, message) => {
    const folder = await copyTheirs(label.replaceAll(" ", "-"));
    await edit(folder, (index) => {
      index.weight_map["model.embed_tokens.weight"] = file;
    });
    await refuses(folder, message);
  });

  it("is refused when its index lists a tensor that is nowhere, or leaves one out", async () => {
    const folder = await copyTheirs("list");
    await edit(folder, (index) => {
      index.weight_map["model.layers.9.mlp.gate.weight"] = "model-00001-of-00003.safetensors";
    });
    await refuses(folder, /ARTIFACT_SAFETENSORS_INDEX.*layers\.9/s);
    await edit(folder, (index) => {
      delete index.weight_map["model.layers.9.mlp.gate.weight"];
      delete index.weight_map["lm_head.weight"];
    });
    await refuses(folder, /ARTIFACT_SAFETENSORS_INDEX.*lm_head/s);
  });

  it.each([
    ["more layers", { num_hidden_layers: 4 }, /MODEL_WEIGHTS_MISMATCH.*model\.layers\.3\..*none/s],
    ["fewer layers", { num_hidden_layers: 2 }, /MODEL_WEIGHTS_MISMATCH.*model\.layers\.2\./s],
    ["another vocabulary", { vocab_size: 65 }, /MODEL_WEIGHTS_MISMATCH.*\[65, 32\].*\[64, 32\]/s],
    ["another architecture", { model_type: "llama" }, /MODEL_HF_CONFIG.*model_type/s],
  ])("is refused when its config.json speaks of %s", async (label, change, message) => {
    const folder = await copyTheirs(label.replaceAll(" ", "-"));
    const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as object;
    await writeFile(join(folder, "config.json"), JSON.stringify({ ...config, ...change }));
    await refuses(folder, message);
  });

  it("never ends in anything but a named error, whatever bit of index or headers is flipped", async () => {
    const folder = await copyTheirs("flipped");
    const names = ["config.json", INDEX, "model-00001-of-00003.safetensors"];
    const good = new Map<string, Buffer>();
    for (const name of names) good.set(name, await readFile(join(folder, name)));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.nat(3000), fc.nat(7), async (name, at, bit) => {
        const bad = Buffer.from(good.get(name)!);
        bad[at % bad.length]! ^= 1 << bit;
        await writeFile(join(folder, name), bad);
        try {
          const { config, tensors } = await openWeightsFolder(folder);
          for (const { name: tensor, shape } of parameterSpecs(config)) await tensors.floats(tensor, shape);
          await tensors.close();
        } catch (error) {
          if (!(error instanceof FirnError)) throw error;
        }
        await writeFile(join(folder, name), good.get(name)!);
      }),
      { numRuns: 80 },
    );
  });
});
