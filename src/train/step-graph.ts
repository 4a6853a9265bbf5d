/** @file One training step as a graph: forward pass, loss, gradients, clipping, AdEMAMix. */
import {
  type Graph,
  Graph as NewGraph,
  gradients,
  linearCrossEntropy,
  onnx,
  type Value,
} from "../graph/index.ts";
import { decoder, graphParameters, type ModelConfig, parameterInputs, tokenInputs } from "../model/index.ts";
import { type AdEMAMixConfig, ademamixUpdate, type UpdateInputs } from "./optimizer.ts";

export interface StepShape {
  /** Sequences in a step. */
  readonly batch: number;
  /** Tokens in a sequence. */
  readonly length: number;
  /** Rows whose logits exist at the same time. */
  readonly lossChunkRows: number;
}

/** The names under which a parameter's optimizer state is fed, fetched and saved. */
export const STATE_NAMES = ["fast", "slow", "variance"] as const;

/** The scalar inputs of a step, in the order of `UpdateInputs` plus the clipping bound. */
export const SCALAR_INPUTS = [
  "learningRate",
  "alpha",
  "beta3",
  "fastCorrection",
  "varianceCorrection",
  "clipNorm",
] as const;

/** min(1, bound/‖g‖) over all gradients together, and the norm itself. */
function clipFactor(graph: Graph, found: readonly Value[], bound: Value): { clip: Value; norm: Value } {
  const squares = found.map((gradient) => onnx.sumOfSquares(graph, gradient));
  const norm = onnx.unary(
    graph,
    "Sqrt",
    squares.reduce((sum, square) => onnx.add(graph, sum, square)),
  );
  const ratio = onnx.divide(graph, bound, onnx.add(graph, norm, graph.scalar(1e-6)));
  return { clip: onnx.minimum(graph, ratio, graph.scalar(1)), norm };
}

/**
 * Inputs: `ids`, `positions`, `segments`, `labels` [batch·length] int32, `weights` [batch·length] float32 (they sum
 * to 1 over the kept labels), the scalars, every parameter under its graph name and its state under `<name>.fast`, …
 * Outputs: `loss`, `gradientNorm`, `negativeLogLikelihood` [batch·length], and `next.<name>` for each parameter
 * and state.
 */
export function buildStepGraph(config: ModelConfig, optimizer: AdEMAMixConfig, shape: StepShape): Graph {
  const graph = new NewGraph();
  const rows = shape.batch * shape.length;
  const tokens = tokenInputs(graph, shape.batch, shape.length);
  const labels = graph.input("labels", "int32", [rows]);
  const weights = graph.input("weights", "float32", [rows]);
  const scalars = Object.fromEntries(
    SCALAR_INPUTS.map((name) => [name, graph.input(name, "float32", [])]),
  ) as Record<(typeof SCALAR_INPUTS)[number], Value>;
  const parameters = parameterInputs(graph, config);
  const hidden = decoder(graph, config, parameters, tokens);
  const head = parameters.get("lm_head.weight")!;
  const { loss, negativeLogLikelihood } = linearCrossEntropy(
    graph,
    hidden,
    head,
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
  const { clip, norm } = clipFactor(graph, found, scalars.clipNorm);
  const inputs: UpdateInputs = { ...scalars, clip };
  list.forEach(({ name, shape: size, decays }, i) => {
    const [fast, slow, variance] = STATE_NAMES.map((state) =>
      graph.input(`${name}.${state}`, "float32", size),
    );
    const state = { fast: fast!, slow: slow!, variance: variance! };
    const next = ademamixUpdate(graph, optimizer, inputs, parameters.get(name)!, found[i]!, state, decays);
    graph.output(`next.${name}`, next.parameter);
    for (const key of STATE_NAMES) graph.output(`next.${name}.${key}`, next.state[key]);
  });
  graph.output("loss", loss);
  graph.output("gradientNorm", norm);
  graph.output("negativeLogLikelihood", negativeLogLikelihood);
  return graph;
}
