import { describe, expect, it } from "vitest";
import { randomStream } from "../core/index.ts";
import { initialWeights } from "../model/index.ts";
import { type Batch, makeBatch } from "./batch.ts";
import { OptimizerConfig } from "./optimizers/create-optimizer.ts";
import { packStream } from "./packing.ts";
import { Trainer } from "./trainer.ts";
import { SMALLEST_MODEL } from "./tiny-run.test-run.ts";

const model = SMALLEST_MODEL;
const optimizer = OptimizerConfig.parse({ clipNorm: 1 });

/** In rows of 16 tokens, 8 of them. */
function batchOf(): Batch {
  const random = randomStream(5, "trainer");
  const ids = Int32Array.from({ length: 400 }, () => random.integer(model.vocabSize));
  const offsets = [0, 13, 40, 41, 150, 400];
  const documents = { ids, offsets, names: ["a", "b", "c", "d", "e"] };
  const packing = packStream(documents, Uint16Array.of(1, 1, 1, 1, 1), 16, 1);
  return makeBatch(
    documents,
    packing,
    { length: 16, padId: 0, goldfish: { k: 4, window: 2, hash: "murmur3" } },
    { first: 0, batch: 8 },
  );
}

async function oneStep(
  microBatch: number,
  threads: number,
  lanes = 1,
): Promise<Record<string, Float32Array>> {
  const shape = { length: 16, microBatch, lossChunkRows: 32 };
  const trainer = await Trainer.create(model, optimizer, shape, initialWeights(model, 2), {
    threads,
    lanes,
    where: "test",
  });
  const before = (await trainer.weights()).get("lm_head.weight")!.slice();
  const { loss, gradientNorm, negativeLogLikelihood } = await trainer.gradients(batchOf());
  expect((await trainer.weights()).get("lm_head.weight"), "gradients leave the weights alone").toEqual(
    before,
  );
  await trainer.update(1, 1e-2);
  const result = {
    loss: Float32Array.of(loss),
    gradientNorm: Float32Array.of(gradientNorm),
    negativeLogLikelihood,
    head: (await trainer.weights()).get("lm_head.weight")!.slice(),
    embedding: (await trainer.weights()).get("model.embed_tokens.weight")!.slice(),
    variance: (await trainer.state()).get("lm_head.weight.variance")!.slice(),
  };
  expect(result.head).not.toEqual(before);
  await trainer.close();
  return result;
}

describe("a training step", () => {
  it("is the same whether the batch goes through at once or in micro-batches", async () => {
    const whole = await oneStep(8, 1);
    for (const microBatch of [1, 2, 4]) {
      const parts = await oneStep(microBatch, 1);
      for (const [name, values] of Object.entries(whole)) {
        const scale = Math.max(...values.map(Math.abs));
        const worst = Math.max(...values.map((value, i) => Math.abs(value - parts[name]![i]!)));
        // Sums in another order: some 128 terms of fp32 (6e-8 each), enlarged where AdEMAMix divides by √variance.
        expect(worst / scale, `${name} with micro-batches of ${microBatch}`).toBeLessThan(2e-5);
      }
    }
  });

  it("has the same bits with one thread and with two", async () => {
    expect(await oneStep(4, 2)).toEqual(await oneStep(4, 1));
  });

  it.each([
    [4, 2, 2],
    [2, 4, 4],
    [1, 4, 2],
  ])(
    "has the same bits with micro-batches of %i by %i threads in %i lanes as in one",
    async (microBatch, threads, lanes) => {
      expect(await oneStep(microBatch, threads, lanes)).toEqual(await oneStep(microBatch, 1));
    },
  );

  it("that fails in one lane says so when no lane computes any more, and can be tried again", async () => {
    const shape = { length: 16, microBatch: 2, lossChunkRows: 32 };
    const options = { threads: 2, lanes: 2, where: "test" };
    const trainer = await Trainer.create(model, optimizer, shape, initialWeights(model, 2), options);
    const batch = batchOf();
    const right = batch.ids[100]!;
    batch.ids[100] = model.vocabSize;
    await expect(trainer.gradients(batch)).rejects.toThrow(/ENGINE_RUN/);
    batch.ids[100] = right;
    const { loss } = await trainer.gradients(batch);
    expect(Float32Array.of(loss)).toEqual((await oneStep(2, 1)).loss);
    await trainer.close();
  });
});
