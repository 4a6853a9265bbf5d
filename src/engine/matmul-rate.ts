/** @file The yardstick: how fast ONNX Runtime multiplies large matrices on this machine. */
import { Graph, onnx } from "../graph/index.ts";
import { Program } from "./program.ts";
import { allocate } from "./tensors.ts";

/**
 * The best rate of [size, size]·[size, size] in fp32 over `repeats` runs, in FLOP/s (2·size³ per product). Training
 * speed is reported as a share of this number, so that machines can be compared.
 */
export async function measureMatmulRate(threads: number, size = 1024, repeats = 8): Promise<number> {
  const graph = new Graph();
  const a = graph.input("a", "float32", [size, size]);
  const b = graph.input("b", "float32", [size, size]);
  graph.output("product", onnx.matMul(graph, a, b));
  const program = await Program.compile(graph, { threads, name: "matmul-rate" });
  const feeds = new Map([
    ["a", allocate("float32", [size, size])],
    ["b", allocate("float32", [size, size])],
  ]);
  for (const tensor of feeds.values()) (tensor.data as Float32Array).fill(0.5);
  const into = new Map([["product", allocate("float32", [size, size])]]);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i <= repeats; i++) {
    const start = performance.now();
    await program.run(feeds, into);
    if (i > 0) best = Math.min(best, performance.now() - start);
  }
  program.close();
  return (2 * size ** 3) / (best / 1000);
}
