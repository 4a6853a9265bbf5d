/** @file Copies a graph with other nodes in the place of some: what every pass is made with. */
import { assert } from "../../core/index.ts";
import { Graph, type Node, type Value } from "../graph.ts";

/**
 * Adds to `target` what stands for `node` and returns its outputs, or undefined to copy the node as it is.
 * @param inputs the node's inputs as they are called in `target`
 * @param isRead whether anything reads the node's output number `at`
 */
export type Replacement = (
  node: Node,
  inputs: readonly Value[],
  target: Graph,
  isRead: (at: number) => boolean,
) => readonly Value[] | undefined;

/** The same computation in a new graph. Its tape is empty: a pass comes after the gradients. */
export function rewrite(graph: Graph, replace: Replacement): Graph {
  const target = new Graph();
  const known = new Map<string, Value>();
  for (const { name, dtype, shape } of graph.inputs) known.set(name, target.input(name, dtype, shape));
  for (const { name, data, shape } of graph.constants) known.set(name, target.constant(data, shape));
  const read = new Set([
    ...graph.nodes.flatMap(({ inputs }) => inputs.map(({ name }) => name)),
    ...graph.outputs.map(({ value }) => value.name),
  ]);
  const find = ({ name }: Value): Value => {
    const value = known.get(name);
    assert(value !== undefined, `${name} is read before it is computed`);
    return value;
  };
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(find);
    const outputs =
      replace(node, inputs, target, (at) => read.has(node.outputs[at]!.name)) ??
      target.node(node.type, inputs, node.outputs, node.attributes, node.domain);
    assert(outputs.length === node.outputs.length, `${node.type} keeps its outputs`);
    for (const [at, { name, dtype, shape }] of node.outputs.entries()) {
      const value = outputs[at]!;
      assert(value.dtype === dtype && value.shape.join() === shape.join(), `${node.type} keeps its shapes`);
      known.set(name, value);
    }
  }
  for (const { name, value } of graph.outputs) target.output(name, find(value));
  return target;
}
