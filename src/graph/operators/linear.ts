/** @file Products with a weight matrix, looking rows up in one, and the plumbing between them. */
import { assert } from "../../core/index.ts";
import { type Graph, sizeOf, type Value } from "../graph.ts";
import * as onnx from "../primitives.ts";

/** y = x·Wᵀ for x [rows, in] and W [out, in] (the layout of Hugging Face checkpoints) → [rows, out]. */
export function linear(graph: Graph, x: Value, weight: Value): Value {
  assert(x.shape.length === 2 && weight.shape.length === 2, "linear takes matrices");
  const y = onnx.matMul(graph, x, weight, { transposeB: true });
  graph.record({
    operator: "linear",
    inputs: [x, weight],
    outputs: [y],
    backward: ([dy], needs) => [
      needs[0] === true ? onnx.matMul(graph, dy!, weight) : undefined,
      needs[1] === true ? onnx.matMul(graph, dy!, x, { transposeA: true }) : undefined,
    ],
  });
  return y;
}

/**
 * Rows of `table` [vocabulary, width] at `ids` [rows] (int32) → [rows, width]. The gradient adds rows that share an id
 * with `ScatterElements`, whose sums are exact and repeatable.
 */
export function embedding(graph: Graph, table: Value, ids: Value): Value {
  const y = onnx.gatherRows(graph, table, ids);
  graph.record({
    operator: "embedding",
    inputs: [table, ids],
    outputs: [y],
    backward: ([dy]) => {
      const zeros = onnx.expand(graph, graph.scalar(0), table.shape);
      const rows = onnx.expand(graph, onnx.reshape(graph, ids, [sizeOf(ids.shape), 1]), dy!.shape);
      return [onnx.scatterAdd(graph, zeros, rows, dy!, 0), undefined];
    },
  });
  return y;
}

/** x + y for tensors of one shape (the residual connection). */
export function residual(graph: Graph, x: Value, y: Value): Value {
  assert(x.shape.join() === y.shape.join(), "residual takes two tensors of one shape");
  const sum = onnx.add(graph, x, y);
  graph.record({ operator: "residual", inputs: [x, y], outputs: [sum], backward: ([d]) => [d, d] });
  return sum;
}

/** Cuts [rows, Σ sizes] into matrices of the given widths. */
export function splitColumns(graph: Graph, x: Value, sizes: readonly number[]): Value[] {
  const parts = onnx.splitLast(graph, x, sizes);
  graph.record({
    operator: "splitColumns",
    inputs: [x],
    outputs: parts,
    backward: (incoming) => {
      const filled = incoming.map(
        (gradient, i) => gradient ?? onnx.expand(graph, graph.scalar(0), parts[i]!.shape),
      );
      return [onnx.concatenate(graph, filled, 1)];
    },
  });
  return parts;
}
