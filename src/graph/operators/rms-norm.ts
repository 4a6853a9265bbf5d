/** @file Root-mean-square normalisation (Zhang & Sennrich 2019) over the last axis. */
import { assert } from "../../core/index.ts";
import { type Graph, sizeOf, type Value } from "../graph.ts";
import * as onnx from "../primitives.ts";

/**
 * y = x·r·w with r = 1/√(mean(x²) + eps), for x [rows, width] seen as rows of `width` = w's length.
 * ONNX Runtime's kernel also returns r, which is all that the gradient needs:
 *   dw = Σ_rows dy∘x·r,   dx = r·(dy∘w − x·r²·mean(dy∘w∘x)).
 */
export function rmsNorm(graph: Graph, x: Value, weight: Value, eps: number): Value {
  const width = weight.shape[0]!;
  const total = sizeOf(x.shape);
  assert(total % width === 0, `rmsNorm: [${x.shape.join()}] is not made of rows of ${width}`);
  const rows = total / width;
  const flat = onnx.reshape(graph, x, [rows, width]);
  const [y, inverse] = graph.node(
    "SimplifiedLayerNormalization",
    [flat, weight],
    [
      { dtype: "float32", shape: [rows, width] },
      { dtype: "float32", shape: [rows, 1] },
    ],
    { axis: -1, epsilon: { float: eps }, stash_type: 1 },
  );
  const out = onnx.reshape(graph, y!, x.shape);
  graph.record({
    operator: "rmsNorm",
    inputs: [x, weight],
    outputs: [out],
    backward: ([incoming], needs) => {
      const r = inverse!;
      const dy = onnx.reshape(graph, incoming!, [rows, width]);
      const product = onnx.multiply(graph, dy, flat);
      const dw = onnx.reshape(graph, onnx.matMul(graph, r, product, { transposeA: true }), [width]);
      if (needs[0] !== true) return [undefined, dw];
      const column = onnx.reshape(graph, weight, [width, 1]);
      const mean = onnx.matMul(graph, product, column, { alpha: 1 / width });
      const cubed = onnx.multiply(graph, onnx.multiply(graph, r, r), r);
      const pull = onnx.multiply(graph, flat, onnx.multiply(graph, mean, cubed));
      const push = onnx.multiply(graph, onnx.multiply(graph, dy, weight), r);
      return [onnx.reshape(graph, onnx.subtract(graph, push, pull), x.shape), dw];
    },
  });
  return out;
}
