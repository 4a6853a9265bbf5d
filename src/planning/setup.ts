/** @file What a training plan is made for: how much text, in what steps, on which devices, how fast. */
import { z } from "zod";
import { FirnError } from "../core/index.ts";
import { DEVICES, type Device } from "./devices.ts";

const positive = z.number().positive().finite();
const whole = z.int().positive();

const setupSchema = z.strictObject({
  /** Training tokens, every repetition counted. */
  tokens: positive,
  /** Tokens in one sequence. */
  sequenceLength: whole,
  /** Tokens in one optimizer step, over all devices. */
  batchTokens: whole,
  /** A smaller step at the beginning: this many tokens in a step until so many tokens were seen. */
  firstBatch: z.strictObject({ batchTokens: whole, untilTokens: positive }).optional(),
  /** Sequences that one device takes through forward and backward at once. */
  microBatch: whole,
  /** Stored weights; gradients and optimizer states are fp32 in both cases. */
  precision: z.enum(["bf16", "fp32"]),
  /** AdEMAMix keeps three moments per parameter, AdamW two. */
  optimizer: z.enum(["ademamix", "adamw"]),
  /** `fused` never stores the scores; `materialised` keeps s probabilities per head and token. */
  attention: z.enum(["fused", "materialised"]),
  /** `full` keeps one input per layer and computes the rest again. */
  recompute: z.enum(["none", "full"]),
  /** Devices that share one copy of the model, and whether optimizer states are shared out over all of them. */
  parallel: z.strictObject({ tensor: whole, pipeline: whole, shardedOptimizer: z.boolean() }),
  devices: whole,
  /** Either the share of the device's peak that the model's own operations reach, or a measured rate. */
  speed: z.union([
    z.strictObject({ utilisation: positive.max(1) }),
    z.strictObject({ tokensPerSecondPerDevice: positive }),
  ]),
  /** Calendar days from start to end, pauses and failures included; without it, computing time alone. */
  calendarDays: positive.optional(),
  /** Seconds that training stands still for one checkpoint, and mean seconds between failures. */
  checkpoint: z.strictObject({ seconds: positive, meanSecondsBetweenFailures: positive }).optional(),
});

export type TrainingSetup = Readonly<z.infer<typeof setupSchema>> & { readonly device: Device };

/**
 * Checks a setup that came from outside (a recipe, command-line options).
 * @throws FirnError `PLANNING_BAD_SETUP` naming the first bad field.
 */
export function parseTrainingSetup(value: unknown, device: Device): TrainingSetup {
  const result = setupSchema.safeParse(value);
  const issue = result.success ? undefined : result.error.issues[0];
  if (!result.success) {
    throw new FirnError("PLANNING_BAD_SETUP", {
      expected: "a training setup of positive numbers",
      got: issue?.message ?? "something else",
      where: issue?.path.join(".") ?? "setup",
      next: "Correct this field and plan again.",
    });
  }
  const setup = result.data;
  const modelDevices = setup.parallel.tensor * setup.parallel.pipeline;
  if (setup.devices % modelDevices !== 0) {
    throw new FirnError("PLANNING_BAD_SETUP", {
      expected: `a number of devices divisible by tensor × pipeline = ${modelDevices}`,
      got: String(setup.devices),
      where: "devices",
      next: "Change the number of devices or the parallel split.",
    });
  }
  return { ...setup, device };
}

const GH200 = DEVICES["gh200"]!;
const TOKENS_15T = 3_662_109_375 * 4096;

/**
 * Pretraining of Apertus-8B: batch, split and rate from the technical report (§2.6, §6, Table B.4)
 * and the published launch script (swiss-ai/pretrain-code, pretraining/submit_apertus_8b.sh).
 */
export const APERTUS_8B_SETUP: TrainingSetup = {
  tokens: TOKENS_15T,
  sequenceLength: 4096,
  batchTokens: 2048 * 4096,
  firstBatch: { batchTokens: 1024 * 4096, untilTokens: 1_718_272_000 * 4096 },
  microBatch: 4,
  precision: "bf16",
  optimizer: "ademamix",
  attention: "fused",
  recompute: "none",
  parallel: { tensor: 2, pipeline: 1, shardedOptimizer: true },
  devices: 1024,
  speed: { tokensPerSecondPerDevice: 6960 },
  device: GH200,
};

/**
 * Pretraining of Apertus-70B (swiss-ai/pretrain-code, pretraining/submit_apertus_70b.sh; report §6). 90 calendar
 * days and 560 W are the report's own estimate of a clean rerun (§6.2). Blocking checkpoint time: README of
 * swiss-ai/Megatron-LM; 7 h between failures is what makes the report's interval of 250 steps come out.
 */
export const APERTUS_70B_SETUP: TrainingSetup = {
  tokens: TOKENS_15T,
  sequenceLength: 4096,
  batchTokens: 4096 * 4096,
  firstBatch: { batchTokens: 2048 * 4096, untilTokens: 1_072_164_864 * 4096 },
  microBatch: 1,
  precision: "bf16",
  optimizer: "ademamix",
  attention: "fused",
  recompute: "none",
  parallel: { tensor: 4, pipeline: 8, shardedOptimizer: true },
  devices: 4096,
  speed: { tokensPerSecondPerDevice: 723 },
  calendarDays: 90,
  checkpoint: { seconds: 40, meanSecondsBetweenFailures: 7 * 3600 },
  device: GH200,
};
