/** @file The first program of a training step: forward pass, loss and gradients of one micro-batch. */
import { type Graph, Graph as NewGraph, gradients, linearCrossEntropy, onnx } from "../graph/index.ts";
import {
  decoder,
  type GraphParameter,
  graphParameters,
  type ModelConfig,
  parameterInputs,
  tokenInputs,
} from "../model/index.ts";

/** The part of a batch that goes through the model at once. */
export interface MicroBatchShape {
  /** Sequences. */
  readonly sequences: number;
  /** Tokens in a sequence. */
  readonly length: number;
  /** Rows whose logits exist at the same time. */
  readonly lossChunkRows: number;
}

/**
 * Inputs: `ids`, `labels` [sequences·length], `positions`, `segments` [sequences, length] int32, `weights`
 * [sequences·length] float32 (over all micro-batches of a step they sum to 1 over the kept labels), every parameter under
 * its graph name and the gradient so far under `sum.<name>`.
 * Outputs: `loss`, `negativeLogLikelihood` [sequences·length], and `gradient.<name>` = `sum.<name>` + this micro-batch's, added
 * while that is still in the cache.
 */
export function buildGradientGraph(config: ModelConfig, shape: MicroBatchShape): Graph {
  const graph = new NewGraph();
  const rows = shape.sequences * shape.length;
  const tokens = tokenInputs(graph, shape.sequences, shape.length);
  const labels = graph.input("labels", "int32", [rows]);
  const weights = graph.input("weights", "float32", [rows]);
  const parameters = parameterInputs(graph, config);
  const hidden = decoder(graph, config, parameters, tokens);
  const { loss, negativeLogLikelihood } = linearCrossEntropy(
    graph,
    hidden,
    parameters.get("lm_head.weight")!,
    labels,
    weights,
    shape.lossChunkRows,
    true,
  );
  const list = graphParameters(config);
  const found = gradients(
    graph,
    loss,
    list.map(({ name }) => parameters.get(name)!),
  );
  for (const [at, { name, shape: size }] of list.entries())
    graph.output(
      `gradient.${name}`,
      onnx.add(graph, graph.input(`sum.${name}`, "float32", size), found[at]!),
    );
  graph.output("loss", loss);
  graph.output("negativeLogLikelihood", negativeLogLikelihood);
  return graph;
}

/**
 * Inputs: `sum.<name>` and `gradient.<name>` for each of `parameters`. Outputs: `next.<name>`, what the two come to, which may be
 * written over the sum.
 */
export function buildSumGraph(parameters: readonly GraphParameter[]): Graph {
  const graph = new NewGraph();
  for (const { name, shape } of parameters) {
    const sum = graph.input(`sum.${name}`, "float32", shape);
    graph.output(`next.${name}`, onnx.add(graph, sum, graph.input(`gradient.${name}`, "float32", shape)));
  }
  return graph;
}

/** Inputs: `gradient.<name>` for each of `parameters`. Outputs: `squares.<name>`, the sum of its squares. */
export function buildSquaresGraph(parameters: readonly GraphParameter[]): Graph {
  const graph = new NewGraph();
  for (const { name, shape } of parameters) {
    const gradient = graph.input(`gradient.${name}`, "float32", shape);
    graph.output(`squares.${name}`, onnx.sumOfSquares(graph, gradient));
  }
  return graph;
}
