/** @file Whether a device can be used here: asked with the smallest program there is, before any work. */
import { Graph, onnx } from "../graph/index.ts";
import type { DeviceName } from "./device.ts";
import { Program } from "./program.ts";

/** @throws FirnError `ENGINE_LIBRARY`, `ENGINE_DEVICE`, `ENGINE_COMPILE` with what is missing */
export async function requireDevice(device: DeviceName): Promise<void> {
  const graph = new Graph();
  const x = graph.input("x", "float32", [1]);
  graph.output("y", onnx.add(graph, x, x));
  const program = await Program.compile(graph, { device, threads: 1, name: "probe" });
  program.close();
}
