/**
 * @file The training step without the rest of the loop, on random tokens: tokens/s, FLOP/s by the technical report's
 * formula, and the share of what ONNX Runtime reaches here on one large matrix product.
 */
import {
  formatBytes,
  formatCount,
  formatInteger,
  formatPercent,
  formatTable,
  randomStream,
} from "../src/core/index.ts";
import { measureMatmulRate } from "../src/engine/index.ts";
import { APERTUS_8B, initialWeights, type ModelConfig, parameterCount } from "../src/model/index.ts";
import { trainingFlopsPerToken } from "../src/planning/index.ts";
import { readRecipe, recipeModel } from "../src/recipes/index.ts";
import {
  makeBatch,
  OptimizerConfig,
  packStream,
  type StepShape,
  type TokenDocuments,
  Trainer,
} from "../src/train/index.ts";

interface Case {
  readonly name: string;
  readonly model: ModelConfig;
  readonly shape: StepShape;
}

/** The model and step of the design's spike, whose speed is the floor. */
const SPIKE: Case = {
  name: "8.5M",
  model: {
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
  },
  shape: { batch: 16, length: 256, lossChunkRows: 512 },
};

async function nanoCase(): Promise<Case> {
  const { recipe } = await readRecipe("nano");
  const { batch, length, lossChunkRows } = recipe.train;
  return { name: "nano", model: recipeModel(recipe), shape: { batch, length, lossChunkRows } };
}

/** Documents of 40 to 400 random ids, as many as the steps consume. */
function randomDocuments(model: ModelConfig, tokens: number): TokenDocuments {
  const random = randomStream(1, "bench");
  const ids = Int32Array.from({ length: tokens }, () => random.integer(model.vocabSize));
  const offsets = [0];
  while (offsets.at(-1)! < tokens) offsets.push(Math.min(tokens, offsets.at(-1)! + 40 + random.integer(360)));
  return { ids, offsets, names: offsets.slice(1).map((_, i) => `random-${i}`) };
}

interface Timing {
  readonly medianSeconds: number;
  readonly bestSeconds: number;
  readonly steps: number;
  readonly peakBytes: number;
}

async function time({ model, shape }: Case, threads: number, seconds: number): Promise<Timing> {
  const weights = initialWeights(model, 1);
  const optimizer = OptimizerConfig.parse({});
  const trainer = await Trainer.create(model, optimizer, shape, weights, { threads, where: "benchmark" });
  const documents = randomDocuments(model, 40 * shape.batch * shape.length);
  const packing = packStream(documents, new Uint16Array(documents.names.length).fill(1), shape.length, 1);
  const config = {
    batch: shape.batch,
    length: shape.length,
    padId: model.padId,
    goldfish: { k: 50, window: 50 },
  };
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  for (let step = 1; times.length < 5 || performance.now() < end; step++) {
    const start = performance.now();
    await trainer.step(makeBatch(documents, packing, config, step), step, 1e-3);
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
  };
}

/** Prints one table; `seconds` is spent on each model. */
export async function benchTrain(threads: number, seconds: number): Promise<void> {
  const matmul = await measureMatmulRate(threads);
  console.log(`Large fp32 matrix product: ${formatCount(matmul)}FLOP/s with ${threads} threads.\n`);
  const rows: string[][] = [];
  for (const item of [await nanoCase(), SPIKE]) {
    const timing = await time(item, threads, seconds);
    const tokens = item.shape.batch * item.shape.length;
    const rate = tokens / timing.medianSeconds;
    const flops = rate * trainingFlopsPerToken(item.model, item.shape.length);
    rows.push([
      item.name,
      formatCount(parameterCount(item.model)),
      `${item.shape.batch}×${item.shape.length}`,
      formatInteger(rate),
      formatInteger(tokens / timing.bestSeconds),
      (flops / 1e9).toFixed(1),
      formatPercent(flops / matmul),
      String(timing.steps),
      formatBytes(timing.peakBytes),
    ]);
  }
  console.log(
    formatTable(
      ["model", "parameters", "step", "tokens/s", "best", "GFLOP/s", "of matmul", "steps", "process peak"],
      rows,
    ),
  );
}
