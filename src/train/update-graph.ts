/** @file The last program of a training step: the optimizer moves every parameter, in place. */
import { Graph, type Value } from "../graph/index.ts";
import type { GraphParameter } from "../model/index.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";

/** What the optimizer keeps of `parameter`, under `<name>.<state>`. */
export function stateNamesOf(parameter: GraphParameter, optimizer: Optimizer): string[] {
  return optimizer.stateNames(parameter).map((key) => `${parameter.name}.${key}`);
}

/** Every buffer that an update writes: the parameters and what the optimizer keeps of them. */
export function updatedNames(parameters: readonly GraphParameter[], optimizer: Optimizer): string[] {
  return parameters.flatMap((parameter) => [parameter.name, ...stateNamesOf(parameter, optimizer)]);
}

/** The scalar inputs of an update. */
export function scalarInputs(optimizer: Optimizer): string[] {
  return ["learningRate", "clip", ...optimizer.scalarNames];
}

/**
 * Inputs: the scalars, and for each of `parameters` `<name>`, `gradient.<name>` and its state under `<name>.<state>`.
 * Outputs: `next.<name>` and `next.<name>.<state>`, each of which may be written over its input.
 */
export function buildUpdateGraph(parameters: readonly GraphParameter[], optimizer: Optimizer): Graph {
  const graph = new Graph();
  const scalar = (name: string): Value => graph.input(name, "float32", []);
  const [learningRate, clip] = [scalar("learningRate"), scalar("clip")];
  const scalars = Object.fromEntries(optimizer.scalarNames.map((name) => [name, scalar(name)]));
  for (const parameter of parameters) {
    const { name, shape } = parameter;
    const input = (key: string): Value => graph.input(key, "float32", shape);
    const [value, gradient] = [input(name), input(`gradient.${name}`)];
    const names = optimizer.stateNames(parameter);
    const state = Object.fromEntries(names.map((key) => [key, input(`${name}.${key}`)]));
    const next = optimizer.update(graph, parameter, { learningRate, clip, scalars, value, gradient, state });
    graph.output(`next.${name}`, next.value);
    for (const key of names) graph.output(`next.${name}.${key}`, next.state[key]!);
  }
  return graph;
}
