/** @file AdEMAMix (Pagliardini et al., arXiv 2409.03137) as Apertus uses it (technical report §2.3, App. B). */
import { type Graph, onnx, type Value } from "../graph/index.ts";

export interface AdEMAMixConfig {
  readonly beta1: number;
  readonly beta2: number;
  readonly beta3: number;
  readonly alpha: number;
  readonly eps: number;
  /** Decoupled; matrices only. */
  readonly weightDecay: number;
  /** Steps over which alpha and beta3 are warmed up; Apertus: 100,000. */
  readonly warmupSteps: number;
}

/** The numbers of one step that change from step to step; fed as scalars. */
export interface AdEMAMixScalars {
  readonly alpha: number;
  readonly beta3: number;
  /** 1/(1 − β1ᵗ) and 1/√(1 − β2ᵗ): the corrections of the fast mean and of the variance. The slow mean has none. */
  readonly fastCorrection: number;
  readonly varianceCorrection: number;
}

/** f(β) = ln 0.5 / ln β − 1, the half-life in steps; the original adds 1e-8 inside the logarithm. */
function halfLife(beta: number): number {
  return Math.log(0.5) / Math.log(beta + 1e-8) - 1;
}

/**
 * β3 at `step` (counted from 1): linear in half-life from β1 to β3 over the warm-up, then constant
 * (swiss-ai/Megatron-LM `ademamix.py`).
 */
export function beta3At(config: AdEMAMixConfig, step: number): number {
  const { beta1, beta3, warmupSteps } = config;
  if (step >= warmupSteps) return beta3;
  const share = step / warmupSteps;
  const life = (1 - share) * halfLife(beta1) + share * halfLife(beta3);
  return 0.5 ** (1 / (life + 1));
}

/** The scalars of `step`, counted from 1. */
export function ademamixScalars(config: AdEMAMixConfig, step: number): AdEMAMixScalars {
  return {
    alpha: config.alpha * Math.min(1, step / config.warmupSteps),
    beta3: beta3At(config, step),
    fastCorrection: 1 / (1 - config.beta1 ** step),
    varianceCorrection: 1 / Math.sqrt(1 - config.beta2 ** step),
  };
}

/** Scalar inputs of the update, shared by all parameters. */
export interface UpdateInputs {
  readonly learningRate: Value;
  readonly alpha: Value;
  readonly beta3: Value;
  readonly fastCorrection: Value;
  readonly varianceCorrection: Value;
  /** Factor on every gradient that brings the global norm to at most the clipping bound. */
  readonly clip: Value;
}

/** The three moving averages of one parameter. */
export interface AdEMAMixState {
  readonly fast: Value;
  readonly slow: Value;
  readonly variance: Value;
}

/**
 * One parameter's update:
 *   m1 ← β1·m1 + (1−β1)·g,  m2 ← β3·m2 + (1−β3)·g,  v ← β2·v + (1−β2)·g²
 *   p ← p − lr·((m1/(1−β1ᵗ) + α·m2)/(√v/√(1−β2ᵗ) + eps) + wd·p)
 */
export function ademamixUpdate(
  graph: Graph,
  config: AdEMAMixConfig,
  inputs: UpdateInputs,
  parameter: Value,
  gradient: Value,
  state: AdEMAMixState,
  decays: boolean,
): { parameter: Value; state: AdEMAMixState } {
  const { add, multiply, subtract, divide } = onnx;
  const constant = (value: number): Value => graph.scalar(value);
  const g = multiply(graph, gradient, inputs.clip);
  const average = (old: Value, value: Value, beta: Value, rest: Value): Value =>
    add(graph, multiply(graph, old, beta), multiply(graph, value, rest));
  const fast = average(state.fast, g, constant(config.beta1), constant(1 - config.beta1));
  const slow = average(state.slow, g, inputs.beta3, subtract(graph, constant(1), inputs.beta3));
  const variance = average(
    state.variance,
    multiply(graph, g, g),
    constant(config.beta2),
    constant(1 - config.beta2),
  );
  // Dividing numerator and denominator by √v's correction takes one pass over the parameter less.
  const { learningRate, fastCorrection, varianceCorrection, alpha } = inputs;
  const scale = divide(graph, learningRate, varianceCorrection);
  const numerator = add(
    graph,
    multiply(graph, fast, multiply(graph, fastCorrection, scale)),
    multiply(graph, slow, multiply(graph, alpha, scale)),
  );
  const eps = divide(graph, constant(config.eps), varianceCorrection);
  const step = divide(graph, numerator, add(graph, onnx.unary(graph, "Sqrt", variance), eps));
  const keep = decays
    ? subtract(graph, constant(1), multiply(graph, learningRate, constant(config.weightDecay)))
    : undefined;
  const kept = keep === undefined ? parameter : multiply(graph, parameter, keep);
  return { parameter: subtract(graph, kept, step), state: { fast, slow, variance } };
}
