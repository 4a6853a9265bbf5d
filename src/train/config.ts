/** @file The settings of a training run, as a recipe writes them. */
import { z } from "zod";
import { FirnError } from "../core/index.ts";
import { DEVICE_NAMES } from "../engine/index.ts";
import { CheckpointKeep } from "./checkpoint.ts";
import { GoldfishConfig } from "./goldfish.ts";
import { OptimizerConfig } from "./optimizers/create-optimizer.ts";
import { ScheduleConfig } from "./schedule.ts";
import { StabilityConfig } from "./stability.ts";

const steps = z.int().min(1).max(100_000_000);

/** What pretraining and fine-tuning have in common. */
const runSettings = {
  seed: z.int().min(0).default(28),
  steps,
  /** Sequences in a step. */
  batch: z.int().min(1).max(65_536),
  /** From how many tokens on a step takes more sequences. */
  batchGrowth: z
    .array(z.strictObject({ afterTokens: z.int().min(1), batch: z.int().min(1).max(65_536) }))
    .max(100)
    .default([]),
  /** Tokens in a sequence. */
  length: z.int().min(8).max(1_048_576),
  /** Sequences that go through the model at once; divides `batch`. Left out: as many as make 512 tokens, at least 1. */
  microBatch: z.int().min(1).optional(),
  /** Rows of logits that exist at the same time; bounds memory. */
  lossChunkRows: z.int().min(1).default(512),
  /** Where the model is computed. It decides the last bits of every number, and so is part of what the run is. */
  device: z.enum(DEVICE_NAMES).default("cpu"),
  optimizer: OptimizerConfig,
  learningRate: ScheduleConfig,
  /** Steps between checkpoints; a killed run loses at most this many. */
  checkpointEvery: steps.default(250),
  /** Which checkpoints stay while the run goes on; those of every so many steps stay for good. */
  checkpointKeep: CheckpointKeep.prefault({}),
  /** What happens to steps that would do harm. */
  stability: StabilityConfig.prefault({}),
};

/** A pretraining run over a tokens artifact. */
export const TrainConfig = z.strictObject({
  ...runSettings,
  /** Goldfish loss: one label in k is not learnt, by a hash of the last `window`; null learns all. Apertus: 50 and 50. */
  goldfish: GoldfishConfig.nullable().prefault({}),
  /** How often a document of a source stands in one epoch (default 1). */
  repeats: z.record(z.string(), z.int().min(0).max(1000)).default({}),
  /** The mix of sources, changing at given token counts; left out, one epoch is all of them with their `repeats`. */
  dataStages: z
    .array(
      z.strictObject({
        fromTokens: z.int().min(0),
        /** Source → weight; shares are weights over their sum. */
        weights: z.record(z.string(), z.number().min(0)),
      }),
    )
    .max(100)
    .default([]),
});
export type TrainConfig = z.infer<typeof TrainConfig>;

/** A supervised fine-tuning run over conversations: the same loop, whole conversations, no goldfish. */
export const FinetuneConfig = z.strictObject(runSettings);
export type FinetuneConfig = z.infer<typeof FinetuneConfig>;

/** Tokens of a micro-batch that a recipe does not fix: enough for fast matrix products, few enough for the caches. */
const MICRO_BATCH_TOKENS = 512;

/** The largest number that divides every batch of the run. */
export function commonBatch(config: {
  readonly batch: number;
  readonly batchGrowth?: readonly { readonly batch: number }[];
}): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  return (config.batchGrowth ?? []).reduce((common, growth) => divisor(common, growth.batch), config.batch);
}

/**
 * Sequences in a micro-batch: the recipe's, or the largest divisor of every batch that keeps to 512 tokens.
 * @throws FirnError `TRAIN_MICRO_BATCH` if the recipe's does not divide the batch
 */
export function microBatchOf(config: {
  readonly batch: number;
  readonly length: number;
  readonly microBatch?: number | undefined;
  readonly batchGrowth?: readonly { readonly batch: number }[];
}): number {
  const { length, microBatch } = config;
  const batch = commonBatch(config);
  if (microBatch === undefined) {
    let size = Math.max(1, Math.min(batch, Math.floor(MICRO_BATCH_TOKENS / length)));
    while (batch % size !== 0) size -= 1;
    return size;
  }
  if (batch % microBatch === 0) return microBatch;
  throw new FirnError("TRAIN_MICRO_BATCH", {
    expected: `a micro-batch that divides every batch, and so ${batch} sequences`,
    got: String(microBatch),
    next: "Set microBatch to a divisor of that, or leave it out.",
  });
}
