/**
 * @file What ONNX Runtime's WebGPU provider lacks, said in operators it has. Without this pass the products would run on the
 * CPU, with their factors copied from the device and back, and the gradient of `rmsNorm` would be wrong without a word.
 */
import type { Graph, Node, Value } from "../graph.ts";
import { inverseRms, plainProduct } from "./plain-operators.ts";
import { rewrite } from "./rewrite.ts";

/** `FusedMatMul` (not in the provider): `Gemm` for matrices, `Transpose` and `MatMul` for stacks of them. */
function product(node: Node, inputs: readonly Value[], graph: Graph): readonly Value[] {
  const { transA, transB, alpha } = node.attributes;
  if (inputs.every(({ shape }) => shape.length === 2))
    return graph.node("Gemm", inputs, node.outputs, { transA: transA!, transB: transB!, alpha: alpha! });
  return plainProduct(node, inputs, graph);
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
