/**
 * @file Bytes: weights, gradients, optimizer states, activations, checkpoints, key/value cache. Everything is
 * exact but the activations, which are an estimate by a formula that says what it counts.
 */
import type { ModelConfig } from "../model/index.ts";
import { countParameters } from "./parameters.ts";
import type { TrainingSetup } from "./setup.ts";

const FP32 = 4;

/** Bytes of one stored weight. */
export function weightBytes(precision: TrainingSetup["precision"]): number {
  return precision === "bf16" ? 2 : FP32;
}

/** fp32 numbers the optimizer keeps per parameter; with bf16 weights one of them is the fp32 master copy. */
export function optimizerNumbersPerParameter(setup: Pick<TrainingSetup, "optimizer" | "precision">): number {
  const moments = setup.optimizer === "ademamix" ? 3 : 2;
  return moments + (setup.precision === "bf16" ? 1 : 0);
}

/** Memory of training; `perDevice` is what the fullest device holds. All in bytes. */
export interface TrainingMemory {
  readonly weights: number;
  readonly gradients: number;
  readonly optimizer: number;
  /** Stored for backward, one micro-batch through the whole model. */
  readonly activations: number;
  readonly perDevice: {
    readonly weights: number;
    readonly gradients: number;
    readonly optimizer: number;
    readonly activations: number;
    readonly total: number;
  };
  /** Weights and optimizer states as a training checkpoint writes them. */
  readonly checkpoint: number;
}

/**
 * Numbers stored per token and layer until backward, without recomputation: the inputs and outputs of both norms
 * (4·d), query before QK-norm, after RoPE, and the attention's result (3·h·k), the same for keys plus the values
 * (3·hkv·k), and the MLP before and after xIELU (2·f). Materialised attention adds its probabilities (h·s).
 * The same counting as Korthikanti et al. 2022 ("Reducing Activation Recomputation"), for this layer.
 */
export function activationNumbersPerTokenAndLayer(
  config: ModelConfig,
  attention: TrainingSetup["attention"],
  sequenceLength: number,
): number {
  const { hiddenSize: d, heads: h, kvHeads, headDim: k, ffnSize: f } = config;
  const scores = attention === "materialised" ? h * sequenceLength : 0;
  return 4 * d + 3 * h * k + 3 * kvHeads * k + 2 * f + scores;
}

function activationBytes(config: ModelConfig, setup: TrainingSetup): number {
  const { sequenceLength } = setup;
  const tokens = setup.microBatch * sequenceLength;
  const perLayer = activationNumbersPerTokenAndLayer(config, setup.attention, sequenceLength);
  const stored =
    setup.recompute === "full" ? config.layers * config.hiddenSize + perLayer : config.layers * perLayer;
  // The logits and their log-probabilities' gradient share one fp32 buffer.
  const head = 2 * config.hiddenSize * weightBytes(setup.precision) + config.vocabSize * FP32;
  return tokens * (stored * weightBytes(setup.precision) + head);
}

/**
 * Memory of training `config` in `setup`. Tensor parallelism (with sequence parallelism) divides everything;
 * pipeline stages divide weights but not activations, because the first stage of a 1F1B schedule keeps one
 * micro-batch per stage alive; a sharded optimizer is divided over all devices.
 */
export function trainingMemory(config: ModelConfig, setup: TrainingSetup): TrainingMemory {
  const parameters = countParameters(config).total;
  const weights = parameters * weightBytes(setup.precision);
  const gradients = parameters * FP32;
  const optimizer = parameters * FP32 * optimizerNumbersPerParameter(setup);
  const activations = activationBytes(config, setup);
  const { tensor, pipeline, shardedOptimizer } = setup.parallel;
  const modelDevices = tensor * pipeline;
  const perDevice = {
    weights: weights / modelDevices,
    gradients: gradients / modelDevices,
    optimizer: optimizer / (shardedOptimizer ? setup.devices : modelDevices),
    activations: activations / tensor,
  };
  const total = perDevice.weights + perDevice.gradients + perDevice.optimizer + perDevice.activations;
  return {
    weights,
    gradients,
    optimizer,
    activations,
    perDevice: { ...perDevice, total },
    checkpoint: weights + optimizer,
  };
}

/** Bytes one token occupies in the key/value cache: 2·layers·hkv·k numbers (bf16 unless told otherwise). */
export function kvCacheBytesPerToken(config: ModelConfig, bytesPerNumber = 2): number {
  return 2 * config.layers * config.kvHeads * config.headDim * bytesPerNumber;
}
