/** @file AdEMAMix (Pagliardini et al., arXiv 2409.03137) as Apertus uses it (technical report §2.3, App. B). */
import { type Graph, onnx } from "../../graph/index.ts";
import type { GraphParameter } from "../../model/index.ts";
import { decayed, movingAverage } from "./moving-average.ts";
import type { Optimizer, UpdateInputs, Updated } from "./optimizer.ts";

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

/**
 * With a fast mean m1, a slow mean m2 (which has no bias correction) and a variance v:
 *   m1 ← β1·m1 + (1−β1)·g,  m2 ← β3·m2 + (1−β3)·g,  v ← β2·v + (1−β2)·g²
 *   p ← p − lr·((m1/(1−β1ᵗ) + α·m2)/(√v/√(1−β2ᵗ) + eps) + wd·p)
 */
export class AdEMAMix implements Optimizer {
  readonly scalarNames = ["alpha", "beta3", "fastCorrection", "varianceCorrection"] as const;
  readonly #config: AdEMAMixConfig;

  constructor(config: AdEMAMixConfig) {
    this.#config = config;
  }

  /** `fastCorrection` is 1/(1 − β1ᵗ), `varianceCorrection` 1/√(1 − β2ᵗ). */
  scalars(step: number): Record<(typeof this.scalarNames)[number], number> {
    const { alpha, warmupSteps, beta1, beta2 } = this.#config;
    return {
      alpha: alpha * Math.min(1, step / warmupSteps),
      beta3: beta3At(this.#config, step),
      fastCorrection: 1 / (1 - beta1 ** step),
      varianceCorrection: 1 / Math.sqrt(1 - beta2 ** step),
    };
  }

  stateNames(): readonly string[] {
    return ["fast", "slow", "variance"];
  }

  update(graph: Graph, parameter: GraphParameter, inputs: UpdateInputs): Updated {
    const { add, multiply, subtract, divide } = onnx;
    const { beta1, beta2, eps, weightDecay } = this.#config;
    const { learningRate, scalars, state } = inputs;
    const constant = (value: number) => graph.scalar(value);
    const g = multiply(graph, inputs.gradient, inputs.clip);
    const beta3 = scalars["beta3"]!;
    const fast = movingAverage(graph, state["fast"]!, g, constant(beta1), constant(1 - beta1));
    const slow = movingAverage(graph, state["slow"]!, g, beta3, subtract(graph, constant(1), beta3));
    const square = multiply(graph, g, g);
    const variance = movingAverage(graph, state["variance"]!, square, constant(beta2), constant(1 - beta2));
    // Dividing numerator and denominator by √v's correction takes one pass over the parameter less.
    const correction = scalars["varianceCorrection"]!;
    const scale = divide(graph, learningRate, correction);
    const numerator = add(
      graph,
      multiply(graph, fast, multiply(graph, scalars["fastCorrection"]!, scale)),
      multiply(graph, slow, multiply(graph, scalars["alpha"]!, scale)),
    );
    const root = add(graph, onnx.unary(graph, "Sqrt", variance), divide(graph, constant(eps), correction));
    const kept = decayed(graph, parameter, inputs, weightDecay);
    return {
      value: subtract(graph, kept, divide(graph, numerator, root)),
      state: { fast, slow, variance },
    };
  }
}
