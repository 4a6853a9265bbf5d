import { describe, expect, it } from "vitest";
import { FirnError, randomStream } from "../core/index.ts";
import {
  attention,
  documentBlocks,
  Graph,
  gradients,
  linear,
  linearCrossEntropy,
  lowerForWebGpu,
  onnx,
  rmsNorm,
} from "../graph/index.ts";
import { type HostTensor, Program, requireDevice, ResidentTensor } from "./index.ts";

/** A small model with everything that the pass replaces, and its gradients. */
function normedAttention(): Graph {
  const graph = new Graph();
  const layout = { batch: 2, length: 5, heads: 4, kvHeads: 2, headDim: 4 };
  const x = graph.input("x", "float32", [10, 16]);
  const [wq, wk, scale, head] = [
    graph.input("wq", "float32", [16, 16]),
    graph.input("wk", "float32", [8, 16]),
    graph.input("scale", "float32", [16]),
    graph.input("head", "float32", [7, 16]),
  ];
  const normed = rmsNorm(graph, x, scale, 1e-5);
  const segments = graph.constant(Int32Array.of(0, 0, 1, 1, 1, 0, 0, 0, 0, 1), [2, 5]);
  const [q, k] = [linear(graph, normed, wq), linear(graph, normed, wk)];
  const mixed = attention(graph, q, k, k, documentBlocks(graph, segments), layout);
  const labels = graph.constant(Int32Array.of(1, 2, 3, 4, 5, 6, 0, 1, 2, 3), [10]);
  const weights = graph.constant(new Float32Array(10).fill(0.1), [10]);
  const { loss } = linearCrossEntropy(graph, mixed, head, labels, weights, 4, true);
  for (const [at, gradient] of gradients(graph, loss, [wq, wk, scale, head]).entries())
    graph.output(`gradient${at}`, gradient);
  graph.output("loss", loss);
  return graph;
}

async function outputsOf(graph: Graph): Promise<Map<string, HostTensor>> {
  const program = await Program.compile(graph, { threads: 1, name: "test" });
  const feeds = new Map<string, HostTensor>();
  for (const { name, dtype, shape } of graph.inputs) {
    const random = randomStream(3, name);
    const length = shape.reduce((a, b) => a * b, 1);
    feeds.set(name, { dtype, shape, data: Float32Array.from({ length }, () => random.normal()) });
  }
  const results = await program.run(feeds);
  program.close();
  return results;
}

const hasCuda = await requireDevice("cuda").then(
  () => true,
  () => false,
);

async function errorOf(device: "webgpu" | "cuda"): Promise<FirnError> {
  const error = await requireDevice(device).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(FirnError);
  return error as FirnError;
}

describe("graphs for WebGPU", () => {
  const graph = normedAttention();
  const lowered = lowerForWebGpu(graph);

  it("hold nothing that its provider lacks or gets wrong", () => {
    expect(graph.nodes.some(({ type }) => type === "FusedMatMul")).toBe(true);
    expect(lowered.nodes.some(({ type }) => type === "FusedMatMul")).toBe(false);
    const norms = lowered.nodes.filter(({ type }) => type === "SimplifiedLayerNormalization");
    expect(norms.length).toBeGreaterThan(0);
    const read = new Set(lowered.nodes.flatMap(({ inputs }) => inputs.map(({ name }) => name)));
    for (const { outputs } of norms) expect(outputs.slice(1).some(({ name }) => read.has(name))).toBe(false);
  });

  it("compute the same numbers", async () => {
    const [before, after] = [await outputsOf(graph), await outputsOf(lowered)];
    for (const [name, tensor] of before) {
      const [expected, got] = [tensor, after.get(name)!].map(({ data }) => data as Float32Array);
      const scale = Math.max(...expected!.map(Math.abs));
      const worst = Math.max(...expected!.map((value, i) => Math.abs(value - got![i]!)));
      // Sums of at most 16 fp32 terms in another order, a few layers deep.
      expect(worst / scale, name).toBeLessThan(2e-6);
    }
  });
});

describe("a device that is not there", () => {
  it.runIf(process.platform === "linux")(
    "is refused with what it wants and what to do: WebGPU without an adapter",
    async () => {
      const before = process.env["VK_ICD_FILENAMES"];
      process.env["VK_ICD_FILENAMES"] = "/nonexistent.json";
      try {
        const { code, parts } = await errorOf("webgpu");
        expect(code).toBe("ENGINE_DEVICE");
        expect(parts.where).toBe("--device webgpu");
        expect(parts.next).toContain("--device cpu");
      } finally {
        if (before === undefined) delete process.env["VK_ICD_FILENAMES"];
        else process.env["VK_ICD_FILENAMES"] = before;
      }
    },
  );

  it.skipIf(hasCuda)("is refused with the file that is missing: CUDA without its provider", async () => {
    const { code, parts } = await errorOf("cuda");
    expect(code).toBe("ENGINE_DEVICE");
    expect(parts.expected).toMatch(/onnxruntime_providers|CUDAExecutionProvider/);
    expect(parts.next).toContain("--device cpu");
  });
});

describe("tensors that stay on the processor", () => {
  it("are the ones that programs read and write, and copying them does nothing", async () => {
    const tensor = new ResidentTensor("cpu", [2], Float32Array.of(1, 2));
    await tensor.toDevice();
    const graph = new Graph();
    graph.output("y", onnx.add(graph, graph.input("x", "float32", [2]), graph.scalar(1)));
    const program = await Program.compile(graph, { threads: 1, name: "test" });
    await program.run(new Map([["x", tensor.tensor]]), new Map([["y", tensor.tensor]]));
    program.close();
    await tensor.toHost();
    expect([...tensor.data]).toEqual([2, 3]);
  });
});
