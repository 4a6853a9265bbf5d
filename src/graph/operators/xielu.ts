/** @file xIELU, Apertus' activation with two trained curvatures (Huang & Schlag, arXiv 2411.13010). */
import { assert } from "../../core/index.ts";
import { type Graph, sizeOf, type Value } from "../graph.ts";
import * as onnx from "../primitives.ts";

/** Slope at 0, fixed in Apertus (swiss-ai/Megatron-LM `activations.py`, Hugging Face `XIELUActivation`). */
export const XIELU_BETA = 0.5;

/**
 * x > 0: αp·x² + β·x;  x ≤ 0: αn·(expm1(x) − x) + β·x, with αp = softplus(rawP) and αn = β + softplus(rawN).
 *
 * With r = relu(x) and e = elu(x) (so that e·r = r²) the two branches are one expression without a comparison:
 *   y = e·(αp·r + αn) + (β − αn)·x,     dy/dx = (2αp − αn)·r + αn·e + β.
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
  // elu(x) = relu(x) + exp(min(x, 0)) − 1. ONNX Runtime's own Elu takes twice as long as these four.
  const below = onnx.unary(graph, "Exp", onnx.subtract(graph, x, r));
  const e = onnx.add(graph, r, onnx.subtract(graph, below, graph.scalar(1)));
  const curve = onnx.add(graph, onnx.multiply(graph, r, alphaP), alphaN);
  const line = onnx.multiply(graph, x, onnx.subtract(graph, beta, alphaN));
  const y = onnx.add(graph, onnx.multiply(graph, e, curve), line);
  graph.record({
    operator: "xielu",
    inputs: [x, rawP, rawN],
    outputs: [y],
    backward: ([incoming], needs) => {
      const dy = incoming!;
      const rows = [1, sizeOf(x.shape)];
      const flat = (value: Value): Value => onnx.reshape(graph, value, rows);
      const dot = (a: Value, b: Value): Value =>
        onnx.reshape(graph, onnx.matMul(graph, flat(a), flat(b), { transposeB: true }), [1]);
      const dyR = onnx.multiply(graph, dy, r);
      // Σ dy·r² and Σ dy·(e − x); softplus' is the logistic function.
      const dAlphaP = dot(dyR, r);
      const dAlphaN = onnx.subtract(graph, dot(dy, e), dot(dy, x));
      const dRawP = onnx.multiply(graph, dAlphaP, onnx.unary(graph, "Sigmoid", rawP));
      const dRawN = onnx.multiply(graph, dAlphaN, onnx.unary(graph, "Sigmoid", rawN));
      if (needs[0] !== true) return [undefined, dRawP, dRawN];
      const slopeP = onnx.subtract(graph, onnx.multiply(graph, alphaP, graph.scalar(2)), alphaN);
      const slopeN = onnx.add(graph, onnx.multiply(graph, e, alphaN), beta);
      const dx = onnx.add(graph, onnx.multiply(graph, dyR, slopeP), onnx.multiply(graph, dy, slopeN));
      return [dx, dRawP, dRawN];
    },
  });
  return y;
}
