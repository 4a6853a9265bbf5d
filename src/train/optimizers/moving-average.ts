/** @file What the optimizers have in common: exponential moving averages and decoupled weight decay. */
import { type Graph, onnx, type Value } from "../../graph/index.ts";
import type { GraphParameter } from "../../model/index.ts";
import type { UpdateInputs } from "./optimizer.ts";

/** beta·old + rest·value. */
export function movingAverage(graph: Graph, old: Value, value: Value, beta: Value, rest: Value): Value {
  return onnx.add(graph, onnx.multiply(graph, old, beta), onnx.multiply(graph, value, rest));
}

/** (1 − lr·weightDecay)·p (Loshchilov & Hutter, arXiv 1711.05101), or p itself where it does not decay. */
export function decayed(
  graph: Graph,
  parameter: GraphParameter,
  { value, learningRate }: UpdateInputs,
  weightDecay: number,
): Value {
  if (!parameter.decays || weightDecay === 0) return value;
  const shrink = onnx.multiply(graph, learningRate, graph.scalar(weightDecay));
  return onnx.multiply(graph, value, onnx.subtract(graph, graph.scalar(1), shrink));
}
