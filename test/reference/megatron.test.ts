/** @file Megatron-LM checkpoints in both directions with PyTorch; made and judged by bench/peers/megatron_reference.py. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256, FirnError } from "../../src/core/index.ts";
import { type ModelConfig, parameterSpecs } from "../../src/model/index.ts";
import { openWeightsFolder, writeHfFolder, writeMegatronFolder } from "../../src/release/index.ts";
import { readWeights } from "../../src/train/index.ts";
import { TINY, writeTinyModel } from "../release/tiny-model.ts";

const reference = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const HF = reference("tiny-apertus-hf");
const THEIRS = reference("tiny-apertus-megatron");
const RANK = join("mp_rank_00", "model_optim_rng.pt");

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-megatron-"));
});
afterAll(() => rm(dir, { recursive: true }));

async function toMegatron(from: string, name: string, dtype: "bfloat16" | "float32"): Promise<string> {
  const weights = await openWeightsFolder(from);
  await writeMegatronFolder({ weights, tokenizerDir: undefined, dir: join(dir, name), dtype });
  await weights.tensors.close();
  return join(dir, name);
}

async function toHf(from: string, name: string, dtype: "bfloat16" | "float32"): Promise<string> {
  const weights = await openWeightsFolder(from);
  await writeHfFolder({ weights, tokenizerDir: undefined, dir: join(dir, name), dtype });
  await weights.tensors.close();
  return join(dir, name);
}

async function allWeights(
  folder: string,
): Promise<{ config: ModelConfig; weights: Map<string, Float32Array> }> {
  const { config, tensors } = await openWeightsFolder(folder);
  const weights = new Map<string, Float32Array>();
  for (const { name } of parameterSpecs(config)) weights.set(name, await tensors.floats(name));
  await tensors.close();
  return { config, weights };
}

describe("a Megatron-LM checkpoint", () => {
  it("that torch.save wrote has the weights of the Hugging Face folder it was made of", async () => {
    const { config, weights } = await allWeights(THEIRS);
    const expected = await readWeights(HF);
    expect(weights).toEqual(expected.weights);
    // Megatron keeps no special tokens, and the fork's converters set the original context by hand.
    const { bosId: _bos, eosIds: _eos, padId: _pad, ropeScaling: _scaling, ...shape } = expected.config;
    expect(config).toMatchObject({
      ...shape,
      eosIds: [2],
      ropeScaling: { factor: 8, originalContext: 8192 },
    });
  });

  it("of ours is the one that torch.load read, with equal tensors and arguments", async () => {
    const ours = await toMegatron(HF, "ours", "bfloat16");
    const { sha256: judged } = JSON.parse(await readFile(join(THEIRS, "judged.json"), "utf8")) as {
      sha256: string;
    };
    expect(sha256(await readFile(join(ours, "release", RANK)))).toBe(judged);
    expect(await readFile(join(ours, "latest_checkpointed_iteration.txt"), "utf8")).toBe("release");
    expect(await readFile(join(ours, "arguments.txt"), "utf8")).toContain("--num-query-groups 2 \\\n");
  });

  const SMALL = { ...TINY, vocabSize: 130, hiddenSize: 24, ffnSize: 40 };
  it.each<[string, ModelConfig]>([
    ["many query heads share a key head", { ...SMALL, heads: 8, kvHeads: 2 }],
    ["every head has its own", { ...SMALL, heads: 3, kvHeads: 3, headDim: 10 }],
    ["all share one", { ...SMALL, kvHeads: 1, vocabSize: 128, ropeScaling: null }],
  ])("comes back bit for bit when %s", async (label, config) => {
    const { weightsDir, weights } = await writeTinyModel(join(dir, label), config, 9);
    const there = await toMegatron(weightsDir, `${label}-there`, "float32");
    const back = await readWeights(await toHf(there, `${label}-back`, "float32"));
    expect(back.config).toEqual(config);
    expect(back.weights).toEqual(weights);
  });

  it("is refused in a format or a division that is not read, with the way out", async () => {
    const folder = join(dir, "refused");
    await mkdir(join(folder, "iter_0000007"), { recursive: true });
    await writeFile(join(folder, "latest_checkpointed_iteration.txt"), "7\n");
    const refuses = (message: RegExp): Promise<void> =>
      expect(openWeightsFolder(folder)).rejects.toThrow(message);
    await writeFile(join(folder, "iter_0000007", "metadata.json"), "{}");
    await refuses(/RELEASE_MEGATRON.*torch_dist/s);
    await rm(join(folder, "iter_0000007", "metadata.json"));
    for (const rank of ["mp_rank_00", "mp_rank_01"]) await mkdir(join(folder, "iter_0000007", rank));
    await refuses(/RELEASE_MEGATRON.*2 ranks/s);
    await writeFile(join(folder, "latest_checkpointed_iteration.txt"), "../../etc");
    await refuses(/RELEASE_MEGATRON.*\.\.\/etc/s);
  });

  it("never ends in anything but a named error, whatever byte of the file is changed, and runs nothing", async () => {
    const folder = join(dir, "changed");
    await cp(THEIRS, folder, { recursive: true });
    const path = join(folder, "iter_0000007", RANK);
    const good = await readFile(path);
    const pickle = good.indexOf("\x80\x02}");
    const directory = good.indexOf(Buffer.from("PK\x01\x02", "latin1"));
    const places = fc.oneof(
      fc.nat({ max: 6000 }).map((at) => pickle + at),
      fc.nat({ max: good.length - directory - 1 }).map((at) => directory + at),
    );
    await fc.assert(
      fc.asyncProperty(places, fc.nat(255), async (at, value) => {
        const bad = Buffer.from(good);
        bad[at] = value;
        await writeFile(path, bad);
        await allWeights(folder).catch((error: unknown) => {
          if (!(error instanceof FirnError)) throw error;
        });
      }),
      { numRuns: 80 },
    );
    for (const length of [0, 10, 1000, directory, good.length - 1]) {
      await writeFile(path, good.subarray(0, length));
      await expect(openWeightsFolder(folder)).rejects.toThrow(/RELEASE_(TORCH_FILE|MEGATRON)/);
    }
    // A class that would do harm in Python is a name here.
    const evil = Buffer.from(
      good.toString("latin1").replace("cargparse\nNamespace\n", "cposix\nsystem_12345\n"),
      "latin1",
    );
    await writeFile(path, evil);
    expect((await openWeightsFolder(folder)).config.layers).toBe(3);
  });
});
