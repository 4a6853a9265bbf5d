/** @file How much memory a run will take, from its shapes alone, so that one that cannot fit is refused at once. */
import { totalmem } from "node:os";
import { FirnError, formatBytes } from "../core/index.ts";
import { type Graph, sizeOf } from "../graph/index.ts";
import { graphParameters, type ModelConfig, parameterCount } from "../model/index.ts";
import { buildGradientGraph } from "./gradient-graph.ts";
import type { OptimizerConfig } from "./optimizers/create-optimizer.ts";
import { createOptimizer } from "./optimizers/create-optimizer.ts";
import { gradientSets, type StepShape } from "./gradient-sum.ts";

const BYTES = { float32: 4, int32: 4, int64: 8, bool: 1 } as const;

/** Operators whose output is their input seen otherwise: no memory of its own. */
const VIEWS: ReadonlySet<string> = new Set(["Reshape"]);

/**
 * The most bytes of intermediate values that are alive at once when the nodes run in order and a value is freed after
 * its last reader. Inputs and outputs of the graph are not counted: the caller holds them.
 */
export function peakLiveBytes(graph: Graph): number {
  const held = new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.outputs.map(({ value }) => value.name),
  ]);
  // A view keeps what it is a view of alive.
  const roots = new Map<string, string>();
  const rootOf = (name: string): string => roots.get(name) ?? name;
  const lastReader = new Map<string, number>();
  graph.nodes.forEach((node, at) => {
    for (const { name } of node.inputs) lastReader.set(rootOf(name), at);
    if (VIEWS.has(node.type)) roots.set(node.outputs[0]!.name, rootOf(node.inputs[0]!.name));
  });
  const freedAfter = new Map<number, string[]>();
  for (const [name, at] of lastReader) freedAfter.set(at, [...(freedAfter.get(at) ?? []), name]);
  const sizes = new Map<string, number>();
  let live = 0;
  let peak = 0;
  graph.nodes.forEach((node, at) => {
    for (const { name, dtype, shape } of node.outputs) {
      if (held.has(name) || roots.has(name)) continue;
      const size = sizeOf(shape) * BYTES[dtype];
      sizes.set(name, size);
      live += size;
    }
    peak = Math.max(peak, live);
    for (const name of freedAfter.get(at) ?? []) live -= sizes.get(name) ?? 0;
  });
  return peak;
}

/** Bytes of a training process, by what they are for. */
export interface TrainingMemory {
  readonly weights: number;
  readonly gradients: number;
  readonly optimizer: number;
  /** The copy that is written while training goes on. */
  readonly checkpoint: number;
  /** Alive at once while micro-batches go through the model and back, one in each lane. */
  readonly activations: number;
  readonly total: number;
}

export function predictMemory(
  model: ModelConfig,
  optimizerConfig: OptimizerConfig,
  shape: StepShape,
  /** Of the largest step, on one rank of so many, in so many lanes. */
  { microBatches = 1, ranks = 1, lanes = 1 } = {},
): TrainingMemory {
  const optimizerOf = createOptimizer(optimizerConfig);
  const weights = 4 * parameterCount(model);
  const optimizer = graphParameters(model).reduce(
    (sum, parameter) => sum + 4 * sizeOf(parameter.shape) * optimizerOf.stateNames(parameter).length,
    0,
  );
  const { microBatch: sequences, length, lossChunkRows } = shape;
  const activations = lanes * peakLiveBytes(buildGradientGraph(model, { sequences, length, lossChunkRows }));
  const checkpoint = weights + optimizer;
  const gradients = weights * gradientSets(microBatches, { ranks, lanes });
  return {
    weights,
    gradients,
    optimizer,
    checkpoint,
    activations,
    total: weights + gradients + optimizer + checkpoint + activations,
  };
}

/** Memory this process may use: the container's limit where there is one, else the machine's. */
export function availableMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

/** @throws FirnError `TRAIN_MEMORY` with the numbers, if `memory` is more than `available` bytes */
export function checkMemory(memory: TrainingMemory, available: number): void {
  if (memory.total <= available) return;
  const { weights, gradients, optimizer, checkpoint, activations, total } = memory;
  throw new FirnError("TRAIN_MEMORY", {
    expected: `training that fits into ${formatBytes(available)} of memory`,
    got:
      `${formatBytes(total)}: weights ${formatBytes(weights)}, gradients ${formatBytes(gradients)}, ` +
      `optimizer ${formatBytes(optimizer)}, checkpoint copy ${formatBytes(checkpoint)}, ` +
      `activations ${formatBytes(activations)}`,
    next:
      activations > total / 2
        ? "Lower `microBatch`, `length` or `lossChunkRows`."
        : "Take a smaller model, an optimizer that keeps less, or a machine with more memory.",
  });
}
