/** @file The models whose training step is timed, and the timing: the step without the rest of the loop, on random tokens. */
import { type Communicator, randomStream, soloCommunicator } from "../src/core/index.ts";
import { APERTUS_8B, initialWeights, type ModelConfig } from "../src/model/index.ts";
import { readRecipe, recipeModel } from "../src/recipes/index.ts";
import {
  lanesOf,
  makeBatch,
  microBatchOf,
  OptimizerConfig,
  packStream,
  type StepShape,
  type TokenDocuments,
  Trainer,
} from "../src/train/index.ts";

export interface Case {
  readonly name: string;
  readonly model: ModelConfig;
  readonly shape: StepShape & { readonly batch: number };
}

const SMALL: ModelConfig = {
  ...APERTUS_8B,
  vocabSize: 8192,
  hiddenSize: 256,
  layers: 6,
  heads: 4,
  kvHeads: 2,
  headDim: 64,
  ffnSize: 1024,
  contextLength: 256,
  ropeTheta: 500_000,
  initStd: 0.02,
};

export const SMALL_CASE: Case = {
  name: "8.5M",
  model: SMALL,
  shape: { batch: 16, length: 256, microBatch: 2, lossChunkRows: 512 },
};

const MEDIUM_CASE: Case = {
  name: "30M",
  model: { ...SMALL, hiddenSize: 512, layers: 8, heads: 8, kvHeads: 4, ffnSize: 2048 },
  shape: { batch: 16, length: 256, microBatch: 2, lossChunkRows: 512 },
};

/** GPT-2's smallest model with Apertus' blocks. */
const LARGE_CASE: Case = {
  name: "124M",
  model: {
    ...SMALL,
    vocabSize: 50_304,
    hiddenSize: 768,
    layers: 12,
    heads: 12,
    kvHeads: 12,
    ffnSize: 3072,
    contextLength: 1024,
  },
  shape: { batch: 1, length: 1024, microBatch: 1, lossChunkRows: 256 },
};

/** The model and step of the recipe nano. */
export async function nanoCase(): Promise<Case> {
  const { recipe } = await readRecipe("nano");
  const { batch, length, lossChunkRows } = recipe.train;
  const shape = { batch, length, microBatch: microBatchOf(recipe.train), lossChunkRows };
  return { name: "nano", model: recipeModel(recipe), shape };
}

export async function trainCases(): Promise<Case[]> {
  return [await nanoCase(), SMALL_CASE, MEDIUM_CASE, LARGE_CASE];
}

/** Documents of 40 to 400 random ids, as many as the steps consume. */
function randomDocuments(model: ModelConfig, tokens: number): TokenDocuments {
  const random = randomStream(1, "bench");
  const ids = Int32Array.from({ length: tokens }, () => random.integer(model.vocabSize));
  const offsets = [0];
  while (offsets.at(-1)! < tokens) offsets.push(Math.min(tokens, offsets.at(-1)! + 40 + random.integer(360)));
  return { ids, offsets, names: offsets.slice(1).map((_, i) => `random-${i}`) };
}

export interface Timing {
  readonly medianSeconds: number;
  readonly bestSeconds: number;
  readonly steps: number;
  readonly peakBytes: number;
  /** From the shapes to compiled programs with their weights. */
  readonly buildSeconds: number;
}

/** Times whole steps of `item`; `communicator` spreads them over ranks, and alone they go in as many `lanes` as they can. */
export async function time(
  { model, shape }: Case,
  threads: number,
  seconds: number,
  {
    communicator = soloCommunicator,
    lanes = communicator.size === 1 ? lanesOf(shape.batch / shape.microBatch, threads) : 1,
  }: { readonly communicator?: Communicator; readonly lanes?: number } = {},
): Promise<Timing> {
  const weights = initialWeights(model, 1);
  const optimizer = OptimizerConfig.parse({});
  const opened = performance.now();
  const trainer = await Trainer.create(model, optimizer, shape, weights, {
    threads,
    lanes,
    where: "benchmark",
    communicator,
  });
  const buildSeconds = (performance.now() - opened) / 1000;
  const documents = randomDocuments(model, 40 * shape.batch * shape.length);
  const packing = packStream(documents, new Uint16Array(documents.names.length).fill(1), shape.length, 1);
  const config = {
    length: shape.length,
    padId: model.padId,
    goldfish: { k: 50, window: 50, hash: "murmur3" as const },
  };
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  for (let step = 1; times.length < 5 || performance.now() < end; step++) {
    const start = performance.now();
    await trainer.gradients(
      makeBatch(documents, packing, config, { first: (step - 1) * shape.batch, batch: shape.batch }),
    );
    await trainer.update(step, 1e-3);
    // The first two steps pay for memory that the later ones use again.
    if (step > 2) times.push((performance.now() - start) / 1000);
  }
  await trainer.close();
  times.sort((a, b) => a - b);
  return {
    medianSeconds: times[times.length >> 1]!,
    bestSeconds: times[0]!,
    steps: times.length,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    buildSeconds,
  };
}
