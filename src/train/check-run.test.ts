import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { silentReporter, soloCommunicator, type Work } from "../core/index.ts";
import { APERTUS_8B, initialWeights } from "../model/index.ts";
import { gradientSets, lanesOf } from "./gradient-sum.ts";
import { OptimizerConfig } from "./optimizers/create-optimizer.ts";
import { checkMemory, predictMemory } from "./predict-memory.ts";
import { runTraining, type TrainingRun } from "./run-training.ts";
import { planSteps } from "./step-plan.ts";
import { patterns, TINY_MODEL, tinyRun } from "./tiny-run.test-run.ts";

const folders: string[] = [];
afterEach(async () => {
  await Promise.all(folders.splice(0).map((dir) => rm(dir, { recursive: true, force: true })));
});

const work: Work = {
  report: silentReporter,
  signal: new AbortController().signal,
  fact: () => undefined,
  workers: 1,
  threads: 1,
};

describe("a run that cannot work is refused before any work", () => {
  const wrong: [string, (dir: string) => TrainingRun, RegExp][] = [
    [
      "tokens of another tokenizer",
      (dir) => {
        const documents = patterns(20);
        documents.ids[Number(documents.offsets[2]) + 3] = 48;
        return tinyRun(dir, {}, documents);
      },
      /TRAIN_TOKEN_RANGE.*doc-2, token 3/,
    ],
    [
      "a negative id",
      (dir) => {
        const documents = patterns(20);
        documents.ids[0] = -1;
        return tinyRun(dir, {}, documents);
      },
      /TRAIN_TOKEN_RANGE.*doc-0, token 0/,
    ],
    ["sequences longer than the context", (dir) => tinyRun(dir, { length: 32 }), /TRAIN_SEQUENCE_LENGTH/],
    [
      "weights of another model",
      (dir) => ({ ...tinyRun(dir), weights: initialWeights({ ...TINY_MODEL, ffnSize: 32 }, 1) }),
      /TRAIN_WEIGHTS_OF_ANOTHER_MODEL.*up_proj/,
    ],
    [
      "weights that are not numbers",
      (dir) => {
        const run = tinyRun(dir);
        run.weights.get("lm_head.weight")![5] = Number.NaN;
        return run;
      },
      /TRAIN_WEIGHTS_OF_ANOTHER_MODEL.*finite.*lm_head/,
    ],
    ["a micro-batch that does not divide", (dir) => tinyRun(dir, { microBatch: 3 }), /TRAIN_MICRO_BATCH/],
    [
      "a batch that shrinks",
      (dir) => tinyRun(dir, { batchGrowth: [{ afterTokens: 64, batch: 2 }] }),
      /TRAIN_BATCH_GROWTH/,
    ],
  ];
  it.each(wrong)("%s", async (_, make, message) => {
    const dir = await mkdtemp(join(tmpdir(), "firn-check-"));
    folders.push(dir);
    await expect(runTraining(make(dir), work)).rejects.toThrow(message);
    expect(await readdir(dir)).toEqual([]);
  });

  it("one that cannot fit into memory, with the numbers", () => {
    const shape = { microBatch: 1, length: 4096, lossChunkRows: 512 };
    const model = { ...APERTUS_8B, layers: 2 };
    const memory = predictMemory(model, OptimizerConfig.parse({}), shape);
    expect(memory.optimizer).toBe(3 * memory.weights);
    expect(() => checkMemory(memory, 4 * 2 ** 30)).toThrow(
      /TRAIN_MEMORY: expected training that fits into 4.0 GiB.*weights \d.*activations \d/,
    );
    expect(() => checkMemory(memory, 2 ** 40)).not.toThrow();
  });

  it("more is predicted where gradients of several micro-batches are summed", () => {
    const shape = { microBatch: 1, length: 16, lossChunkRows: 24 };
    const sets = (microBatches: number): number => {
      const { gradients, weights } = predictMemory(TINY_MODEL, OptimizerConfig.parse({}), shape, {
        microBatches,
      });
      return gradients / weights;
    };
    expect([1, 2, 3, 4, 8, 32].map(sets)).toEqual([1, 1, 1, 2, 3, 3]);
    const inTwoLanes = [2, 4, 6, 8].map((count) => gradientSets(count, { lanes: 2 }));
    expect(inTwoLanes).toEqual([2, 2, 2, 4]);
  });

  it("lanes are as many as the threads and the micro-batches divide into, and as fit into memory", () => {
    expect([1, 2, 3, 4, 6, 8, 16].map((threads) => lanesOf(8, threads))).toEqual([1, 2, 1, 4, 2, 4, 4]);
    expect([1, 2, 3, 4, 6, 12].map((count) => lanesOf(count, 4))).toEqual([1, 2, 1, 4, 2, 4]);
    const { config, model } = tinyRun("", { batch: 4, microBatch: 1 });
    const plan = (threads: number, available?: number) =>
      planSteps(model, config, { threads, communicator: soloCommunicator }, available);
    const [one, two] = [plan(1), plan(2)];
    expect([one.lanes, two.lanes, plan(4).lanes]).toEqual([1, 2, 4]);
    expect(two.memory.activations).toBe(2 * one.memory.activations);
    expect(plan(4, two.memory.total).lanes).toBe(2);
    expect(plan(4, 1).lanes).toBe(1);
  });

  it("less is predicted for smaller micro-batches", () => {
    const predicted = (microBatch: number): number =>
      predictMemory(TINY_MODEL, OptimizerConfig.parse({}), { microBatch, length: 16, lossChunkRows: 24 })
        .activations;
    expect(predicted(1)).toBeLessThan(predicted(4));
  });
});
