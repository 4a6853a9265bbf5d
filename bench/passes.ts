/**
 * @file `npm run bench -- passes`: what the rewritings that a training graph goes through are worth. Each is taken back by itself,
 * and the gradients of one micro-batch are computed with and without it in turn; then whole steps in one lane and in several.
 */
import { formatBytes, formatPercent, formatTable, randomStream } from "../src/core/index.ts";
import { float32Tensor, Program, ResidentTensor, type Tensor } from "../src/engine/index.ts";
import {
  type Graph,
  inverseRms,
  type Node,
  onnx,
  plainProduct,
  rewrite,
  type Value,
} from "../src/graph/index.ts";
import { graphParameters, initialWeights, stackWeights } from "../src/model/index.ts";
import { buildGradientGraph, lanesOf, peakLiveBytes } from "../src/train/index.ts";
import { type Case, nanoCase, SMALL_CASE, time } from "./train-cases.ts";

function unfoldedProduct(node: Node, inputs: readonly Value[], graph: Graph): Value[] | undefined {
  return node.type === "FusedMatMul" ? plainProduct(node, inputs, graph) : undefined;
}

function unfusedNorm(node: Node, [x, scale]: readonly Value[], graph: Graph): Value[] | undefined {
  if (node.type !== "SimplifiedLayerNormalization") return undefined;
  const inverse = inverseRms(node, x!, graph);
  return [onnx.multiply(graph, onnx.multiply(graph, x!, inverse), scale!), inverse];
}

/** One way to compute the gradients of a micro-batch. */
interface Way {
  readonly name: string;
  readonly graph: Graph;
  /** Whether gradients are written over the sums that they are added to. */
  readonly inPlace: boolean;
}

/** Milliseconds of each way's micro-batches, in turn, on one thread. */
async function timeWays({ model, shape }: Case, ways: readonly Way[], seconds: number): Promise<number[][]> {
  const parameters = graphParameters(model);
  const allocate = (): Map<string, ResidentTensor> =>
    new Map(parameters.map((parameter) => [parameter.name, new ResidentTensor("cpu", parameter.shape)]));
  const tensors = (set: ReadonlyMap<string, ResidentTensor>, prefix: string): [string, Tensor][] =>
    [...set].map(([name, { tensor }]) => [`${prefix}${name}`, tensor]);
  const [sums, beside] = [allocate(), allocate()];
  const weights = stackWeights(model, initialWeights(model, 1), "benchmark");
  const rows = shape.microBatch * shape.length;
  const random = randomStream(1, "bench");
  const integers = (make: (i: number) => number, dimensions: readonly number[]): Tensor => ({
    dtype: "int32",
    shape: dimensions,
    data: Int32Array.from({ length: rows }, (_, i) => make(i)),
  });
  const matrix = [shape.microBatch, shape.length];
  const feeds = new Map<string, Tensor>([
    ...tensors(sums, "sum."),
    ...parameters.map(({ name, shape: size }): [string, Tensor] => [
      name,
      float32Tensor(weights.get(name)!, size),
    ]),
    ["ids", integers(() => random.integer(model.vocabSize), [rows])],
    ["labels", integers(() => random.integer(model.vocabSize), [rows])],
    ["positions", integers((i) => i % shape.length, matrix)],
    ["segments", integers(() => 1, matrix)],
    ["weights", float32Tensor(new Float32Array(rows).fill(1 / rows), [rows])],
  ]);
  const programs = await Promise.all(
    ways.map(({ graph, name }) => Program.compile(graph, { threads: 1, name })),
  );
  const times: number[][] = ways.map(() => []);
  const end = performance.now() + seconds * 1000;
  for (let round = 0; round < 5 || performance.now() < end; round++) {
    for (const [at, { inPlace }] of ways.entries()) {
      const into = new Map(tensors(inPlace ? sums : beside, "gradient."));
      const started = performance.now();
      await programs[at]!.run(feeds, into);
      if (round > 1) times[at]!.push(performance.now() - started);
    }
  }
  for (const program of programs) program.close();
  return times.map((list) => list.sort((a, b) => a - b));
}

/** Nodes that compute what another one has computed: what a pass that joins common subexpressions would save. */
function repeatedNodes(graph: Graph): number {
  const known = new Map<string, readonly Value[]>();
  const first = new Map<string, string>();
  let repeated = 0;
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(({ name }) => first.get(name) ?? name);
    const key = JSON.stringify([node.domain, node.type, inputs, node.attributes]);
    const same = known.get(key);
    if (same === undefined) known.set(key, node.outputs);
    else {
      repeated += 1;
      for (const [at, { name }] of node.outputs.entries()) first.set(name, same[at]!.name);
    }
  }
  return repeated;
}

function waysOf({ model, shape }: Case): Way[] {
  const { microBatch: sequences, length, lossChunkRows } = shape;
  const graph = buildGradientGraph(model, { sequences, length, lossChunkRows });
  return [
    { name: "as it is", graph, inPlace: true },
    {
      name: "transposes and factors beside products, not in them",
      graph: rewrite(graph, unfoldedProduct),
      inPlace: true,
    },
    { name: "norms in single operators", graph: rewrite(graph, unfusedNorm), inPlace: true },
    { name: "gradients beside their sums, not over them", graph, inPlace: false },
  ];
}

/** Prints two tables; `seconds` is spent on each model in each of them. */
export async function benchPasses(threads: number, seconds: number): Promise<void> {
  const cases = [await nanoCase(), SMALL_CASE];
  const passes: string[][] = [];
  const lanes: string[][] = [];
  for (const item of cases) {
    const ways = waysOf(item);
    console.log(
      `${item.name}: ${repeatedNodes(ways[0]!.graph)} of ${ways[0]!.graph.nodes.length} nodes repeat another one.`,
    );
    const times = await timeWays(item, ways, seconds);
    for (const [at, { name, graph }] of ways.entries()) {
      const [best, median] = [times[at]![0]!, times[at]![times[at]!.length >> 1]!];
      passes.push([
        item.name,
        name,
        String(graph.nodes.length),
        best.toFixed(1),
        median.toFixed(1),
        formatPercent(best / times[0]![0]! - 1),
        formatBytes(peakLiveBytes(graph)),
      ]);
    }
    const most = lanesOf(item.shape.batch / item.shape.microBatch, threads);
    for (const count of most === 1 ? [1] : [1, most]) {
      const { bestSeconds, medianSeconds } = await time(item, threads, seconds, { lanes: count });
      lanes.push([
        item.name,
        `${count} × ${threads / count}`,
        (bestSeconds * 1000).toFixed(1),
        (medianSeconds * 1000).toFixed(1),
      ]);
    }
  }
  const heads = ["nodes", "best ms", "median ms", "more", "alive at once"];
  console.log(
    `\nGradients of a micro-batch on one thread\n${formatTable(["model", "graph", ...heads], passes)}`,
  );
  console.log(`\nSteps\n${formatTable(["model", "lanes × threads", "best ms", "median ms"], lanes)}`);
}
