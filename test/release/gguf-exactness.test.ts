import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gguf } from "@huggingface/gguf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeSafetensors } from "../../src/artifacts/index.ts";
import { randomStream } from "../../src/core/index.ts";
import { type LlamaModel, openLlamaModel } from "../../src/generate/index.ts";
import { logSoftmax, type ModelConfig, parameterSpecs, referenceLogits } from "../../src/model/index.ts";
import { type GgufFileType, writeApertusGguf } from "../../src/release/index.ts";
import { loadTokenizer } from "../../src/tokenizer/index.ts";
import { TINY, writeTinyModel } from "./tiny-model.ts";

const ABOUT = { name: "tiny", version: "1", description: "test", licence: "Apache-2.0", languages: ["de"] };

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-gguf-"));
});
afterAll(() => rm(dir, { recursive: true }));

async function exportTiny(label: string, config: ModelConfig, type: GgufFileType) {
  const { weightsDir, tokenizerDir, weights } = await writeTinyModel(join(dir, label), config, 11);
  const path = join(dir, `${label}.gguf`);
  await writeApertusGguf({ weightsDir, tokenizerDir, path, type, about: ABOUT });
  return { path, weights };
}

const IDS = (() => {
  const random = randomStream(3, "ids");
  return [1, ...Array.from({ length: 199 }, () => random.integer(343))];
})();

/** The largest difference of log-probabilities between llama.cpp and the reference, over all positions and tokens. */
async function largestDifference(model: LlamaModel, config: ModelConfig, weights: Map<string, Float32Array>) {
  const distributions = await model.distributions(IDS, config.vocabSize);
  const logits = referenceLogits(
    config,
    weights,
    IDS,
    IDS.map((_, t) => t),
    IDS.map(() => 0),
  );
  let largest = 0;
  distributions.forEach((choices, t) => {
    const expected = logSoftmax(logits.subarray(t * config.vocabSize, (t + 1) * config.vocabSize));
    expect(choices.length).toBe(config.vocabSize);
    for (const { id, logprob } of choices) largest = Math.max(largest, Math.abs(logprob - expected[id]!));
  });
  return largest;
}

describe("a GGUF of ours in llama.cpp", () => {
  it.each([
    ["with scaled rotations", TINY],
    [
      "with plain rotations and wide heads",
      { ...TINY, ropeScaling: null, ropeTheta: 10_000, headDim: 32, kvHeads: 1 },
    ],
  ])("has the reference's log-probabilities %s", async (label, config) => {
    const { path, weights } = await exportTiny(label.replaceAll(" ", "-"), config, "F32");
    const model = await openLlamaModel(path, { name: "tiny", threads: 2, cache: "F32" });
    const largest = await largestDifference(model, config, weights);
    // Measured: 2.4e-6 and 3.5e-6.
    expect(largest).toBeLessThan(1e-4);
    const [scores] = await model.score([IDS]);
    const logits = referenceLogits(
      config,
      weights,
      IDS,
      IDS.map((_, t) => t),
      IDS.map(() => 0),
    );
    IDS.slice(1).forEach((id, t) => {
      const row = logSoftmax(logits.subarray(t * config.vocabSize, (t + 1) * config.vocabSize));
      expect(Math.abs(scores![t + 1]! - row[id]!)).toBeLessThan(1e-4);
    });
    expect(scores![0]).toBe(0);
    await model.close();
  });

  it("would be caught if the frequency scaling were lost", async () => {
    const { path, weights } = await exportTiny("unscaled", { ...TINY, ropeScaling: null }, "F32");
    const model = await openLlamaModel(path, { name: "tiny", threads: 2, cache: "F32" });
    expect(await largestDifference(model, TINY, weights)).toBeGreaterThan(1e-2);
    await model.close();
  });

  it("reads in Hugging Face's own GGUF reader, with the metadata of an Apertus", async () => {
    const { path } = await exportTiny("metadata", TINY, "Q8_0");
    const { metadata, tensorInfos } = await gguf(path, { allowLocalFile: true });
    expect(metadata).toMatchObject({
      version: 3,
      "general.architecture": "apertus",
      "general.name": "tiny",
      "general.license": "Apache-2.0",
      "general.file_type": 7,
      "apertus.context_length": 512,
      "apertus.attention.head_count_kv": 2,
      "apertus.vocab_size": 400,
      "tokenizer.ggml.pre": "tekken",
      "tokenizer.ggml.eos_token_id": 2,
      "tokenizer.ggml.eot_token_id": 68,
      "tokenizer.ggml.eom_token_id": 72,
      "tokenizer.ggml.add_bos_token": true,
    });
    expect(metadata["xielu.alpha_p" as never]).toHaveLength(2);
    const embedding = tensorInfos.find(({ name }) => name === "token_embd.weight")!;
    expect(embedding).toMatchObject({ shape: [64n, 400n], dtype: 8 });
    expect(tensorInfos.find(({ name }) => name === "blk.1.attn_q_norm.weight")).toMatchObject({
      shape: [16n],
      dtype: 0,
    });
    expect(tensorInfos.find(({ name }) => name === "rope_freqs.weight")).toMatchObject({
      shape: [8n],
      dtype: 0,
    });
  });

  it("is the same file every time", async () => {
    const first = await exportTiny("same", TINY, "BF16");
    const bytes = await readFile(first.path);
    const second = await exportTiny("same", TINY, "BF16");
    expect(await readFile(second.path)).toEqual(bytes);
  });

  it.each([
    ["F16", 0.02],
    ["BF16", 0.1],
    ["Q8_0", 0.3],
    ["Q4_0", 4],
    ["Q4_K", 2],
  ] as const)("stays near the reference when stored as %s, and keeps its tokens", async (type, tolerance) => {
    // Rows of 256 numbers, which Q4_K's blocks need.
    const config = { ...TINY, hiddenSize: 256, ffnSize: 256, headDim: 32 };
    const { path, weights } = await exportTiny(type, config, type);
    const model = await openLlamaModel(path, { name: "tiny", threads: 2 });
    const largest = await largestDifference(model, config, weights);
    expect(largest).toBeLessThan(tolerance);
    const { tokenizer } = await loadTokenizer(join(dir, type, "tokenizer"));
    const text = "the Süd in the Inn";
    expect(model.tokenizeText(text, { specialTokens: false })).toEqual([...tokenizer.encode(text)]);
    await model.close();
  });

  it.each(["Q8_0", "Q4_0", "Q4_K"] as const)(
    "is not written as %s with numbers that are not finite",
    async (type) => {
      const { weightsDir, tokenizerDir, weights } = await writeTinyModel(join(dir, `nan-${type}`), TINY, 2);
      weights.get("model.layers.1.mlp.down_proj.weight")![7] = Number.NaN;
      await writeSafetensors(
        join(weightsDir, "model.safetensors"),
        parameterSpecs(TINY).map(({ name, shape }) => ({
          name,
          shape,
          dtype: "F32",
          data: weights.get(name)!,
        })),
      );
      const path = join(dir, `nan-${type}.gguf`);
      const write = writeApertusGguf({ weightsDir, tokenizerDir, path, type, about: ABOUT });
      await expect(write).rejects.toThrow(/RELEASE_NOT_FINITE.*blk\.1\.ffn_down/s);
      expect(await readdir(dir)).not.toContain(`nan-${type}.gguf`);
    },
  );
});
