import { describe, expect, it } from "vitest";
import { randomStream } from "../core/index.ts";
import {
  attention,
  documentBlocks,
  embedding,
  Graph,
  gradients,
  linear,
  linearCrossEntropy,
  onnx,
  residual,
  rmsNorm,
  rotary,
  splitColumns,
  type Value,
  xielu,
} from "../graph/index.ts";
import { type HostTensor, Program, type TensorData } from "./index.ts";

interface Case {
  /** Float inputs to differentiate by, with their shapes. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** Integer inputs. */
  readonly integers?: Readonly<
    Record<string, { shape: readonly number[]; data: Int32Array | BigInt64Array }>
  >;
  readonly build: (graph: Graph, values: Readonly<Record<string, Value>>) => Value;
}

/** Weighs every element of `y` differently, so that no gradient can hide in a sum. */
function probe(graph: Graph, y: Value): Value {
  const size = y.shape.reduce((a, b) => a * b, 1);
  const random = randomStream(7, "probe");
  const weights = graph.constant(
    Float32Array.from({ length: size }, () => random.normal()),
    [...y.shape],
  );
  const loss = onnx.sumAll(graph, onnx.multiply(graph, y, weights));
  graph.record({ operator: "probe", inputs: [y], outputs: [loss], backward: () => [weights] });
  return loss;
}

const layout = { batch: 2, length: 5, heads: 4, kvHeads: 2, headDim: 4 };
const segments = Int32Array.from([0, 0, 1, 1, 1, 0, 0, 0, 0, 1]);
const positions = BigInt64Array.from([0n, 1n, 0n, 1n, 2n, 0n, 1n, 2n, 3n, 0n]);

const cases: Readonly<Record<string, Case>> = {
  linear: {
    inputs: { x: [3, 4], w: [5, 4] },
    build: (graph, { x, w }) => probe(graph, linear(graph, x!, w!)),
  },
  "embedding with a repeated id": {
    inputs: { table: [6, 3] },
    integers: { ids: { shape: [5], data: Int32Array.of(1, 4, 1, 0, 1) } },
    build: (graph, { table, ids }) => probe(graph, embedding(graph, table!, ids!)),
  },
  residual: {
    inputs: { x: [2, 3], w: [3, 3] },
    build: (graph, { x, w }) => probe(graph, residual(graph, x!, linear(graph, x!, w!))),
  },
  "splitColumns where one part is unused": {
    inputs: { x: [3, 6] },
    build: (graph, { x }) => {
      const [a, , c] = splitColumns(graph, x!, [1, 3, 2]);
      return residual(graph, probe(graph, a!), probe(graph, c!));
    },
  },
  "rmsNorm per row": {
    inputs: { x: [3, 8], w: [8] },
    build: (graph, { x, w }) => probe(graph, rmsNorm(graph, x!, w!, 1e-5)),
  },
  "rmsNorm per head": {
    inputs: { x: [3, 8], w: [4] },
    build: (graph, { x, w }) => probe(graph, rmsNorm(graph, x!, w!, 1e-5)),
  },
  xielu: {
    inputs: { x: [4, 6], p: [1], n: [1] },
    build: (graph, { x, p, n }) => probe(graph, xielu(graph, x!, p!, n!)),
  },
  rotary: {
    inputs: { x: [10, 8] },
    integers: { positions: { shape: [2, 5], data: positions } },
    build: (graph, { x, positions: at }) => {
      const angles = Float32Array.from({ length: 12 }, (_, i) => i * 0.37);
      const table = (f: (a: number) => number): Value => graph.constant(angles.map(f), [6, 2]);
      const rotation = {
        positions: at!,
        cos: table(Math.cos),
        sin: table(Math.sin),
        negativeSin: table((a) => -Math.sin(a)),
      };
      return probe(graph, rotary(graph, x!, rotation, 2, 5));
    },
  },
  "grouped-query attention inside documents": {
    inputs: { q: [10, 16], k: [10, 8], v: [10, 8] },
    integers: { segments: { shape: [2, 5], data: segments } },
    build: (graph, { q, k, v, segments: s }) =>
      probe(graph, attention(graph, q!, k!, v!, documentBlocks(graph, s!), layout)),
  },
  "grouped-query attention in blocks of two queries": {
    inputs: { q: [10, 16], k: [10, 8], v: [10, 8] },
    integers: { segments: { shape: [2, 5], data: segments } },
    build: (graph, { q, k, v, segments: s }) =>
      probe(graph, attention(graph, q!, k!, v!, documentBlocks(graph, s!, 2), layout)),
  },
  "linearCrossEntropy in chunks with dropped rows": {
    inputs: { h: [7, 4], w: [9, 4] },
    integers: { labels: { shape: [7], data: Int32Array.of(0, 8, 3, 3, 5, 1, 2) } },
    build: (graph, { h, w, labels }) => {
      const weights = graph.constant(Float32Array.of(0.2, 0, 0.3, 0.1, 0.25, 0, 0.15), [7]);
      return linearCrossEntropy(graph, h!, w!, labels!, weights, 3, true).loss;
    },
  },
};

describe("the gradient of every operator equals finite differences", () => {
  for (const [name, { inputs, integers = {}, build }] of Object.entries(cases)) {
    it(name, async () => {
      const graph = new Graph();
      const values: Record<string, Value> = {};
      const feeds = new Map<string, HostTensor>();
      const random = randomStream(11, name);
      for (const [input, shape] of Object.entries(inputs)) {
        values[input] = graph.input(input, "float32", shape);
        const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
        feeds.set(input, { dtype: "float32", shape, data });
      }
      for (const [input, { shape, data }] of Object.entries(integers)) {
        const dtype = data instanceof Int32Array ? "int32" : "int64";
        values[input] = graph.input(input, dtype, shape);
        feeds.set(input, { dtype, shape, data });
      }
      const loss = build(graph, values);
      const names = Object.keys(inputs);
      const found = gradients(
        graph,
        loss,
        names.map((input) => values[input]!),
      );
      graph.output("loss", loss);
      names.forEach((input, i) => {
        graph.output(`d_${input}`, found[i]!);
      });
      const program = await Program.compile(graph, { threads: 1, name });
      const exact = await program.run(feeds);
      for (const input of names) {
        const data = feeds.get(input)!.data as Float32Array;
        const gradient = exact.get(`d_${input}`)!.data as Float32Array;
        const scale = Math.max(1, ...gradient.map(Math.abs));
        for (let i = 0; i < data.length; i++) {
          // Fourth-order central difference: error O(h⁴) + rounding/h, both below the tolerance in fp32 at h = 0.02.
          const h = 0.02;
          const at = async (offset: number): Promise<number> => {
            const moved: TensorData = Float32Array.from(data);
            moved[i] = data[i]! + offset;
            const run = await program.run(new Map(feeds).set(input, { ...feeds.get(input)!, data: moved }));
            return (run.get("loss")!.data as Float32Array)[0]!;
          };
          const slope =
            (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h);
          expect(
            Math.abs(slope - gradient[i]!) / scale,
            `${input}[${i}]: ${slope} against ${gradient[i]}`,
          ).toBeLessThan(2e-3);
        }
      }
      program.close();
    });
  }
});
