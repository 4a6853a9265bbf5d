/** @file ONNX Runtime's own fused operators in the operators that they stand for. */
import type { Graph, Node, Value } from "../graph.ts";
import * as onnx from "../primitives.ts";

/** Swaps the last two axes. */
function turned(graph: Graph, x: Value): Value {
  const axes = x.shape.map((_, axis) => axis);
  return onnx.transpose(graph, x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}

/** `FusedMatMul`: transposes and factors are operators of their own. */
export function plainProduct(node: Node, [a, b]: readonly Value[], graph: Graph): Value[] {
  const { transA, transB, alpha } = node.attributes;
  const left = transA === 1 ? turned(graph, a!) : a!;
  const right = transB === 1 ? turned(graph, b!) : b!;
  const plain = onnx.matMul(graph, left, right);
  const factor = (alpha as { readonly float: number }).float;
  return [factor === 1 ? plain : onnx.multiply(graph, plain, graph.scalar(factor))];
}

/** The second output of `SimplifiedLayerNormalization`, 1/√(mean(x²) + ε). */
export function inverseRms(node: Node, x: Value, graph: Graph): Value {
  const { float: epsilon } = node.attributes["epsilon"] as { readonly float: number };
  const axis = x.shape.length - 1;
  const sum = onnx.reduceSum(graph, onnx.multiply(graph, x, x), [axis]);
  const mean = onnx.multiply(graph, sum, graph.scalar(1 / x.shape[axis]!));
  const root = onnx.unary(graph, "Sqrt", onnx.add(graph, mean, graph.scalar(epsilon)));
  return onnx.divide(graph, graph.scalar(1), root);
}
