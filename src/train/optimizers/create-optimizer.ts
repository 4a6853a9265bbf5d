/** @file The optimizers a recipe can name, and their settings. */
import { z } from "zod";
import { AdamW } from "./adamw.ts";
import { AdEMAMix } from "./ademamix.ts";
import { Muon } from "./muon.ts";
import type { Optimizer } from "./optimizer.ts";

const positive = z.number().positive();
const share = z.number().min(0).lt(1);

const common = {
  eps: positive.default(1e-8),
  weightDecay: z.number().min(0).default(0.1),
};

const AdEMAMixConfig = z.strictObject({
  type: z.literal("ademamix").default("ademamix"),
  beta1: share.default(0.9),
  beta2: share.default(0.999),
  beta3: share.default(0.9999),
  alpha: z.number().min(0).default(8),
  ...common,
  /** Steps over which alpha and beta3 are warmed up. */
  warmupSteps: z.int().min(1).max(100_000_000).default(100_000),
  /** Bound on the global gradient norm; with a long memory a low one pays (report §2.3). */
  clipNorm: positive.default(0.1),
});

const AdamWConfig = z.strictObject({
  type: z.literal("adamw"),
  beta1: share.default(0.9),
  beta2: share.default(0.95),
  ...common,
  clipNorm: positive.default(1),
});

const MuonConfig = z.strictObject({
  type: z.literal("muon"),
  momentum: share.default(0.95),
  /** AdamW's, for embeddings, the output layer and vectors. */
  beta1: share.default(0.9),
  beta2: share.default(0.95),
  ...common,
  clipNorm: positive.default(1),
});

/** AdEMAMix unless the recipe says otherwise; its defaults are Apertus' values (technical report §2.3). */
export const OptimizerConfig = z.discriminatedUnion("type", [AdEMAMixConfig, AdamWConfig, MuonConfig]);
export type OptimizerConfig = z.infer<typeof OptimizerConfig>;

export function createOptimizer(config: OptimizerConfig): Optimizer {
  switch (config.type) {
    case "ademamix":
      return new AdEMAMix(config);
    case "adamw":
      return new AdamW(config);
    case "muon":
      return new Muon(config);
  }
}
