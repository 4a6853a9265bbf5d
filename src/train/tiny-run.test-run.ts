/** @file A run of a tiny model on patterns, for the tests of the loop. */
import { randomStream } from "../core/index.ts";
import { APERTUS_8B, initialWeights, type ModelConfig } from "../model/index.ts";
import { FinetuneConfig } from "./config.ts";
import { packStream, type TokenDocuments } from "./packing.ts";
import type { TrainingRun } from "./run-training.ts";

export const TINY_MODEL: ModelConfig = {
  ...APERTUS_8B,
  vocabSize: 48,
  hiddenSize: 32,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  ffnSize: 64,
  contextLength: 16,
  initStd: 0.05,
};

/** A model whose every product is small: for tests that compute a step in several ways. */
export const SMALLEST_MODEL: ModelConfig = {
  ...APERTUS_8B,
  vocabSize: 31,
  hiddenSize: 16,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 8,
  ffnSize: 24,
  contextLength: 16,
  ropeTheta: 100,
  initStd: 0.2,
};

/** Documents `<s> … </s>` of repeating patterns from two sources, so that there is something to learn. */
export function patterns(count: number): TokenDocuments {
  const random = randomStream(3, "patterns");
  const ids: number[] = [];
  const offsets = [0];
  for (let i = 0; i < count; i++) {
    const length = 5 + random.integer(30);
    const start = 8 + random.integer(20);
    ids.push(1, ...Array.from({ length }, (_, j) => start + (j % 4)), 2);
    offsets.push(ids.length);
  }
  const of = <T>(make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
  return {
    ids: Int32Array.from(ids),
    offsets,
    names: of((i) => `doc-${i}`),
    sources: of((i) => (i % 2 === 0 ? "even" : "odd")),
    languages: of((i) => (i % 3 === 0 ? null : "eng")),
    bytes: of((i) => 3 * (offsets[i + 1]! - offsets[i]!)),
  };
}

export function tinyRun(
  dir: string,
  settings: Readonly<Record<string, unknown>> = {},
  documents = patterns(60),
): TrainingRun {
  const config = FinetuneConfig.parse({
    seed: 5,
    steps: 12,
    batch: 4,
    length: 16,
    lossChunkRows: 24,
    optimizer: { warmupSteps: 50, clipNorm: 1 },
    learningRate: { peak: 0.01, final: 0.001, warmupSteps: 3, cooldownShare: 0.2 },
    checkpointEvery: 4,
    ...settings,
  });
  const repeats = new Uint16Array(documents.names.length).fill(1);
  return {
    kind: "train",
    config,
    goldfish: { k: 4, window: 3, hash: "murmur3" },
    model: TINY_MODEL,
    weights: initialWeights(TINY_MODEL, 1),
    documents,
    packing: packStream(documents, repeats, config.length, config.seed),
    flopsPerToken: 1000,
    dir,
  };
}
