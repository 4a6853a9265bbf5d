/**
 * @file Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): the momentum of a hidden layer's matrix is replaced
 * by the nearest orthogonal one, found with five Newton–Schulz steps. Embeddings, the output layer and vectors, for
 * which that makes no sense, are AdamW's.
 */
import { type Graph, onnx, type Value } from "../../graph/index.ts";
import type { GraphParameter } from "../../model/index.ts";
import { AdamW, type AdamWConfig } from "./adamw.ts";
import { decayed } from "./moving-average.ts";
import type { Optimizer, UpdateInputs, Updated } from "./optimizer.ts";

export interface MuonConfig extends AdamWConfig {
  readonly momentum: number;
}

/** The quintic's coefficients (Jordan et al. 2024): steepest at zero while still mapping [0, 1] to about [0.7, 1.2]. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const STEPS = 5;

/** Brings an orthogonal update to the size of AdamW's, so that both share one learning rate (Liu et al., arXiv 2502.16982). */
const ADAMW_RMS = 0.2;

/** X ← a·X + b·(XXᵀ)X + c·(XXᵀ)²X, five times, from G/‖G‖; G is [rows, columns]. */
export function orthogonalise(graph: Graph, matrix: Value): Value {
  const { add, multiply, divide, matMul, unary } = onnx;
  const [rows, columns] = matrix.shape as readonly [number, number];
  const norm = unary(graph, "Sqrt", onnx.sumOfSquares(graph, matrix));
  const unit = divide(graph, matrix, add(graph, norm, graph.scalar(1e-7)));
  // XXᵀ of the shorter side is the smaller product.
  const tall = rows > columns;
  let x = tall ? onnx.transpose(graph, unit, [1, 0]) : unit;
  for (let step = 0; step < STEPS; step++) {
    const square = matMul(graph, x, x, { transposeB: true });
    const quintic = add(
      graph,
      multiply(graph, square, graph.scalar(B)),
      matMul(graph, square, square, { alpha: C }),
    );
    x = add(graph, multiply(graph, x, graph.scalar(A)), matMul(graph, quintic, x));
  }
  return tall ? onnx.transpose(graph, x, [1, 0]) : x;
}

/** Matrices between hidden layers; the embedding and the output layer are tables with a row per token. */
function isHidden({ name, shape }: GraphParameter): boolean {
  return shape.length === 2 && !/embed_tokens|lm_head/.test(name);
}

/**
 * With a momentum m, for hidden matrices of [rows, columns]:
 *   m ← μ·m + g,  O = orthogonalise(g + μ·m)  (Nesterov)
 *   p ← p − lr·(0.2·√max(rows, columns)·O + wd·p)
 * Matrices that are stacked for speed (q, k and v) are made orthogonal one by one.
 */
export class Muon implements Optimizer {
  readonly #config: MuonConfig;
  readonly #adamw: AdamW;

  constructor(config: MuonConfig) {
    this.#config = config;
    this.#adamw = new AdamW(config);
  }

  get scalarNames(): readonly string[] {
    return this.#adamw.scalarNames;
  }

  scalars(step: number): Readonly<Record<string, number>> {
    return this.#adamw.scalars(step);
  }

  stateNames(parameter: GraphParameter): readonly string[] {
    return isHidden(parameter) ? ["momentum"] : this.#adamw.stateNames();
  }

  update(graph: Graph, parameter: GraphParameter, inputs: UpdateInputs): Updated {
    if (!isHidden(parameter)) return this.#adamw.update(graph, parameter, inputs);
    const { add, multiply, subtract } = onnx;
    const mu = graph.scalar(this.#config.momentum);
    const g = multiply(graph, inputs.gradient, inputs.clip);
    const momentum = add(graph, multiply(graph, inputs.state["momentum"]!, mu), g);
    const ahead = add(graph, g, multiply(graph, momentum, mu));
    const columns = parameter.shape[1]!;
    let row = 0;
    const parts = parameter.parts.map(({ size }) => {
      const rows = size / columns;
      const part = orthogonalise(graph, onnx.slice(graph, ahead, 0, row, row + rows));
      row += rows;
      const scale = ADAMW_RMS * Math.sqrt(Math.max(rows, columns));
      return multiply(graph, part, multiply(graph, inputs.learningRate, graph.scalar(scale)));
    });
    const kept = decayed(graph, parameter, inputs, this.#config.weightDecay);
    return {
      value: subtract(graph, kept, onnx.concatenate(graph, parts, 0)),
      state: { momentum },
    };
  }
}
