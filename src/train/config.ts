/** @file The settings of a training run, as a recipe writes them. */
import { z } from "zod";

const positive = z.number().positive();
const steps = z.int().min(1).max(100_000_000);

/** AdEMAMix (Apertus technical report §2.3); defaults are Apertus' values. */
export const OptimizerConfig = z.strictObject({
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  beta3: z.number().min(0).lt(1).default(0.9999),
  alpha: z.number().min(0).default(8),
  eps: positive.default(1e-8),
  weightDecay: z.number().min(0).default(0.1),
  /** Steps over which alpha and beta3 are warmed up. */
  warmupSteps: steps.default(100_000),
  /** Bound on the global gradient norm. */
  clipNorm: positive.default(0.1),
});

/** WSD: linear warm-up, flat, cooldown by 1 − √t. */
export const ScheduleConfig = z.strictObject({
  peak: positive,
  final: z.number().min(0),
  warmupSteps: z.int().min(0).max(100_000_000),
  cooldownShare: z.number().min(0).max(1).default(0.11),
});

/** What pretraining and fine-tuning have in common. */
const runSettings = {
  seed: z.int().min(0).default(28),
  steps,
  /** Sequences in a step. */
  batch: z.int().min(1).max(65_536),
  /** Tokens in a sequence. */
  length: z.int().min(8).max(1_048_576),
  /** Rows of logits that exist at the same time; bounds memory. */
  lossChunkRows: z.int().min(1).default(512),
  optimizer: OptimizerConfig,
  learningRate: ScheduleConfig,
  /** Steps between checkpoints; a killed run loses at most this many. */
  checkpointEvery: steps.default(250),
};

/** A pretraining run over a tokens artifact. */
export const TrainConfig = z.strictObject({
  ...runSettings,
  /** Goldfish loss: drop 1 in k labels by a hash of the last `window`; null learns all. Apertus: 50 and 50. */
  goldfish: z
    .strictObject({ k: z.number().gt(1), window: z.int().min(1).max(4096) })
    .nullable()
    .default({ k: 50, window: 50 }),
  /** How often a document of a source stands in one epoch (default 1). */
  repeats: z.record(z.string(), z.int().min(0).max(1000)).default({}),
});
export type TrainConfig = z.infer<typeof TrainConfig>;

/** A supervised fine-tuning run over conversations: the same loop, whole conversations, no goldfish. */
export const FinetuneConfig = z.strictObject(runSettings);
export type FinetuneConfig = z.infer<typeof FinetuneConfig>;
