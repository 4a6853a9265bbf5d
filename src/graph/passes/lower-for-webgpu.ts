/**
 * @file What ONNX Runtime's WebGPU provider lacks, said in operators it has. Without this pass the products would run on the
 * CPU, with their factors copied from the device and back, and the gradient of `rmsNorm` would be wrong without a word.
 */
import type { Graph, Node, Value } from "../graph.ts";
import * as onnx from "../primitives.ts";
import { rewrite } from "./rewrite.ts";

/** Swaps the last two axes. */
function turned(graph: Graph, x: Value): Value {
  const axes = x.shape.map((_, axis) => axis);
  return onnx.transpose(graph, x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}

/** `FusedMatMul` (not in the provider): `Gemm` for matrices, `Transpose` and `MatMul` for stacks of them. */
function product(node: Node, [a, b]: readonly Value[], graph: Graph): Value[] {
  const { transA, transB, alpha } = node.attributes;
  if (a!.shape.length === 2 && b!.shape.length === 2) {
    return graph.node("Gemm", [a!, b!], node.outputs, { transA: transA!, transB: transB!, alpha: alpha! });
  }
  const left = transA === 1 ? turned(graph, a!) : a!;
  const right = transB === 1 ? turned(graph, b!) : b!;
  const plain = onnx.matMul(graph, left, right);
  const factor = (alpha as { readonly float: number }).float;
  return [factor === 1 ? plain : onnx.multiply(graph, plain, graph.scalar(factor))];
}

/** The second output of `SimplifiedLayerNormalization`, 1/√(mean(x²) + ε), which the provider leaves unwritten. */
function inverseRms(node: Node, x: Value, graph: Graph): Value {
  const { float: epsilon } = node.attributes["epsilon"] as { readonly float: number };
  const axis = x.shape.length - 1;
  const sum = onnx.reduceSum(graph, onnx.multiply(graph, x, x), [axis]);
  const mean = onnx.multiply(graph, sum, graph.scalar(1 / x.shape[axis]!));
  const root = onnx.unary(graph, "Sqrt", onnx.add(graph, mean, graph.scalar(epsilon)));
  return onnx.divide(graph, graph.scalar(1), root);
}

export function lowerForWebGpu(graph: Graph): Graph {
  return rewrite(graph, (node, inputs, target, isRead) => {
    if (node.type === "FusedMatMul") return product(node, inputs, target);
    if (node.type === "SimplifiedLayerNormalization" && isRead(1)) {
      const [y] = target.node(node.type, inputs, [node.outputs[0]!], node.attributes, node.domain);
      return [y!, inverseRms(node, inputs[0]!, target)];
    }
    return undefined;
  });
}
