/** @file Reverse-mode differentiation: walks the tape backwards and lets each operator add its gradient nodes. */
import { assert } from "../core/index.ts";
import type { Graph, Value } from "./graph.ts";
import { add } from "./primitives.ts";

/**
 * Adds to `graph` the gradients of the scalar `loss` with respect to `targets` and returns them in that order.
 * Every target must influence the loss through recorded operators.
 */
export function gradients(graph: Graph, loss: Value, targets: readonly Value[]): Value[] {
  const wanted = new Set(targets.map((target) => target.name));
  const influential = new Set(wanted);
  for (const entry of graph.tape) {
    if (entry.inputs.some((input) => influential.has(input.name))) {
      for (const output of entry.outputs) influential.add(output.name);
    }
  }
  const collected = new Map<string, Value>([[loss.name, graph.scalar(1)]]);
  for (let i = graph.tape.length - 1; i >= 0; i--) {
    const entry = graph.tape[i]!;
    const incoming = entry.outputs.map((output) => collected.get(output.name));
    if (incoming.every((gradient) => gradient === undefined)) continue;
    const needs = entry.inputs.map((input) => influential.has(input.name));
    if (!needs.includes(true)) continue;
    const outgoing = entry.backward(incoming, needs);
    assert(outgoing.length === entry.inputs.length, `gradient of ${entry.operator} has the wrong arity`);
    for (const [at, gradient] of outgoing.entries()) {
      if (gradient === undefined || needs[at] !== true) continue;
      const input = entry.inputs[at]!;
      assert(
        gradient.shape.join() === input.shape.join(),
        `${entry.operator}: gradient [${gradient.shape.join()}] of an input [${input.shape.join()}]`,
      );
      const before = collected.get(input.name);
      collected.set(input.name, before === undefined ? gradient : add(graph, before, gradient));
    }
    for (const output of entry.outputs) collected.delete(output.name);
  }
  return targets.map((target) => {
    const gradient = collected.get(target.name);
    assert(gradient !== undefined, `the loss does not depend on ${target.name}`);
    return gradient;
  });
}
