/** @file AdamW (Kingma & Ba, arXiv 1412.6980; decoupled decay by Loshchilov & Hutter, arXiv 1711.05101). */
import { type Graph, onnx } from "../../graph/index.ts";
import type { GraphParameter } from "../../model/index.ts";
import { decayed, movingAverage } from "./moving-average.ts";
import type { Optimizer, UpdateInputs, Updated } from "./optimizer.ts";

export interface AdamWConfig {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Decoupled; matrices only. */
  readonly weightDecay: number;
}

/**
 * With a mean m and a variance v:
 *   m ← β1·m + (1−β1)·g,  v ← β2·v + (1−β2)·g²
 *   p ← p − lr·(m/(1−β1ᵗ)/(√v/√(1−β2ᵗ) + eps) + wd·p)
 */
export class AdamW implements Optimizer {
  readonly scalarNames = ["meanCorrection", "varianceCorrection"] as const;
  readonly #config: AdamWConfig;

  constructor(config: AdamWConfig) {
    this.#config = config;
  }

  /** `meanCorrection` is 1/(1 − β1ᵗ), `varianceCorrection` 1/√(1 − β2ᵗ). */
  scalars(step: number): Record<(typeof this.scalarNames)[number], number> {
    const { beta1, beta2 } = this.#config;
    return { meanCorrection: 1 / (1 - beta1 ** step), varianceCorrection: 1 / Math.sqrt(1 - beta2 ** step) };
  }

  stateNames(): readonly string[] {
    return ["mean", "variance"];
  }

  update(graph: Graph, parameter: GraphParameter, inputs: UpdateInputs): Updated {
    const { add, multiply, subtract, divide } = onnx;
    const { beta1, beta2, eps, weightDecay } = this.#config;
    const { learningRate, scalars, state } = inputs;
    const constant = (value: number) => graph.scalar(value);
    const g = multiply(graph, inputs.gradient, inputs.clip);
    const mean = movingAverage(graph, state["mean"]!, g, constant(beta1), constant(1 - beta1));
    const square = multiply(graph, g, g);
    const variance = movingAverage(graph, state["variance"]!, square, constant(beta2), constant(1 - beta2));
    const correction = scalars["varianceCorrection"]!;
    const scale = divide(graph, multiply(graph, learningRate, scalars["meanCorrection"]!), correction);
    const root = add(graph, onnx.unary(graph, "Sqrt", variance), divide(graph, constant(eps), correction));
    const step = divide(graph, multiply(graph, mean, scale), root);
    return {
      value: subtract(graph, decayed(graph, parameter, inputs, weightDecay), step),
      state: { mean, variance },
    };
  }
}
