/** @file Which outputs may be written over which inputs while the graph runs. */
import { assert } from "../core/index.ts";
import type { Graph, Node } from "./graph.ts";

/** Operators whose output element i depends on input element i alone, whatever the order they are computed in. */
const ELEMENTWISE: ReadonlySet<string> = new Set(["Add", "Sub", "Mul", "Div"]);

/**
 * Checks that the buffer fed as `input` may also be the one that `output` is written to: the node that writes it works
 * element by element on equal shapes, and every other reader of the input must have run before it, because it feeds that
 * node directly or through others.
 *
 * @throws AssertionError if a reader could see half-written numbers
 */
export function assertInPlace(graph: Graph, pairs: ReadonlyMap<string, string>): void {
  const producers = new Map<string, Node>();
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const value of node.outputs) producers.set(value.name, node);
    for (const value of node.inputs) readers.set(value.name, [...(readers.get(value.name) ?? []), node]);
  }
  const outputs = new Map(graph.outputs.map(({ name, value }) => [name, value]));
  for (const [output, input] of pairs) {
    const value = outputs.get(output);
    assert(value !== undefined, `the graph has no output ${output}`);
    const writer = producers.get(value.name);
    assert(
      writer !== undefined && ELEMENTWISE.has(writer.type),
      `${output} is not written element by element`,
    );
    const source = graph.inputs.find(({ name }) => name === input);
    assert(source?.shape.join() === value.shape.join(), `${output} and ${input} differ in shape`);
    const open = (readers.get(input) ?? []).filter((reader) => reader !== writer);
    const before = new Set<Node>();
    const walk = [writer];
    while (open.some((reader) => !before.has(reader)) && walk.length > 0) {
      for (const { name } of walk.pop()!.inputs) {
        const producer = producers.get(name);
        if (producer === undefined || before.has(producer)) continue;
        before.add(producer);
        walk.push(producer);
      }
    }
    assert(
      open.every((reader) => before.has(reader)),
      `${input} may still be read after ${output} is written over it`,
    );
  }
}
