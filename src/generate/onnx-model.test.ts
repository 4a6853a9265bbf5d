import { describe, expect, it } from "vitest";
import { randomStream } from "../core/index.ts";
import { APERTUS_8B, initialWeights, logSoftmax, type ModelConfig, referenceLogits } from "../model/index.ts";
import { OnnxModel } from "./onnx-model.ts";

const config: ModelConfig = {
  ...APERTUS_8B,
  vocabSize: 96,
  hiddenSize: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  ffnSize: 160,
  contextLength: 24,
  ropeTheta: 500_000,
  initStd: 0.15,
};

/** Trained alphas are far from their start (Apertus-8B's first layer: about 166 and 41), so they are moved here too. */
function weights(): Map<string, Float32Array> {
  const made = initialWeights(config, 4);
  made.set("model.layers.0.mlp.act_fn.alpha_p", Float32Array.of(3.5));
  made.set("model.layers.1.mlp.act_fn.alpha_n", Float32Array.of(2.25));
  return made;
}

const random = randomStream(2, "onnx-model test");
const sequences = [3, 24, 9, 17, 1, 12, 24, 5, 8].map((length) =>
  Array.from({ length }, () => random.integer(config.vocabSize)),
);

describe("our weights in ONNX Runtime", () => {
  it("give every token the log probability of the float64 specification", async () => {
    const model = new OnnxModel(config, weights(), { name: "test", threads: 2, batch: 2 });
    const scores = await model.score(sequences);
    let worst = 0;
    sequences.forEach((ids, s) => {
      const zeros = ids.map(() => 0);
      const logits = referenceLogits(
        config,
        weights(),
        ids,
        ids.map((_, i) => i),
        zeros,
      );
      for (let i = 1; i < ids.length; i++) {
        const row = logSoftmax(logits.slice((i - 1) * config.vocabSize, i * config.vocabSize));
        worst = Math.max(worst, Math.abs(row[ids[i]!]! - scores[s]![i]!));
      }
    });
    // fp32 rounding through two layers; measured 6e-6.
    expect(worst).toBeLessThan(2e-5);
    await model.close();
  });

  it("speaks the token its distribution calls likeliest, and the same tokens for the same seed", async () => {
    const model = new OnnxModel(config, weights(), { name: "test", threads: 1, batch: 1 });
    const prompt = sequences[2]!;
    const best = (await model.distributions(prompt, 3)).at(-1)![0]!;
    const all = await model.distributions(prompt, 2);
    expect(all).toHaveLength(prompt.length);
    expect(await model.distributions(prompt, 2, prompt.length - 2)).toEqual(all.slice(-2));
    const greedy: number[] = [];
    for await (const token of model.generate(prompt, { maxTokens: 3, temperature: 0 })) greedy.push(token.id);
    expect(greedy[0]).toBe(best.id);
    const speak = async (seed: number): Promise<number[]> => {
      const ids: number[] = [];
      for await (const token of model.generate(prompt, { maxTokens: 8, seed, temperature: 1.5, topP: 1 }))
        ids.push(token.id);
      return ids;
    };
    expect(await speak(1)).toEqual(await speak(1));
    expect(await speak(1)).not.toEqual(await speak(2));
    await model.close();
  });

  it("refuses a sequence longer than its context instead of cutting it", async () => {
    const model = new OnnxModel(config, weights(), { name: "test", threads: 1 });
    await expect(model.score([Array.from({ length: 25 }, () => 5)])).rejects.toThrow("GENERATE_CONTEXT");
    await model.close();
  });
});
