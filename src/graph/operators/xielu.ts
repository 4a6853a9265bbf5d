/** @file xIELU, Apertus' activation with two trained curvatures (Huang & Schlag, arXiv 2411.13010). */
import { assert } from "../../core/index.ts";
import type { Graph, Value } from "../graph.ts";
import * as onnx from "../primitives.ts";

/** Slope at 0, fixed in Apertus (swiss-ai/Megatron-LM `activations.py`, Hugging Face `XIELUActivation`). */
export const XIELU_BETA = 0.5;
/** Apertus clamps the exponent of the negative branch to at most this. */
export const XIELU_EPS = -1e-6;

/**
 * x > 0: αp·x² + β·x;  x ≤ 0: αn·(expm1(x) − x) + β·x, with αp = softplus(rawP) and αn = β + softplus(rawN).
 *
 * With r = relu(x) and e = elu(x) the two branches are one expression without a comparison:
 *   y = αp·r² + αn·(e − x) + β·x,     dy/dx = (2αp − αn)·r + αn·e + β.
 * The original clamps the exponent to −1e-6 for numerical reasons; that changes y by at most 1e-6·αn, and only for
 * x in (−1e-6, 0].
 *
 * @param x any shape; rawP and rawN have shape [1] and are what checkpoints store.
 */
export function xielu(graph: Graph, x: Value, rawP: Value, rawN: Value): Value {
  assert(rawP.shape.join() === "1" && rawN.shape.join() === "1", "xielu's alphas have shape [1]");
  const beta = graph.scalar(XIELU_BETA);
  const alphaP = onnx.unary(graph, "Softplus", rawP);
  const alphaN = onnx.add(graph, onnx.unary(graph, "Softplus", rawN), beta);
  const r = onnx.unary(graph, "Relu", x);
  const e = onnx.unary(graph, "Elu", x);
  const square = onnx.multiply(graph, r, r);
  const excess = onnx.subtract(graph, e, x);
  const curved = onnx.add(
    graph,
    onnx.multiply(graph, square, alphaP),
    onnx.multiply(graph, excess, alphaN),
  );
  const y = onnx.add(graph, curved, onnx.multiply(graph, x, beta));
  graph.record({
    operator: "xielu",
    inputs: [x, rawP, rawN],
    outputs: [y],
    backward: ([incoming], needs) => {
      const dy = incoming!;
      const scalarGradient = (basis: Value, raw: Value): Value => {
        // Σ dy∘basis as a dot product of two long vectors; softplus' is the logistic function.
        const rows = [1, basis.shape.reduce((a, b) => a * b, 1)];
        const dot = onnx.matMul(graph, onnx.reshape(graph, dy, rows), onnx.reshape(graph, basis, rows), {
          transposeB: true,
        });
        return onnx.multiply(graph, onnx.reshape(graph, dot, [1]), onnx.unary(graph, "Sigmoid", raw));
      };
      const dRawP = needs[1] === true ? scalarGradient(square, rawP) : undefined;
      const dRawN = needs[2] === true ? scalarGradient(excess, rawN) : undefined;
      if (needs[0] !== true) return [undefined, dRawP, dRawN];
      const slopeP = onnx.subtract(graph, onnx.multiply(graph, alphaP, graph.scalar(2)), alphaN);
      const slope = onnx.add(
        graph,
        onnx.add(graph, onnx.multiply(graph, r, slopeP), onnx.multiply(graph, e, alphaN)),
        beta,
      );
      return [onnx.multiply(graph, dy, slope), dRawP, dRawN];
    },
  });
  return y;
}
