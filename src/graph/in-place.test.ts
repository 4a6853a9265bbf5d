import { describe, expect, it } from "vitest";
import { assertInPlace, Graph, onnx } from "./index.ts";

const pair = new Map([["next", "x"]]);

describe("writing an output over an input", () => {
  it("is allowed where the last reader works element by element", () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [4]);
    const half = onnx.multiply(graph, x, graph.scalar(0.5));
    graph.output("next", onnx.subtract(graph, x, half));
    expect(() => assertInPlace(graph, pair)).not.toThrow();
  });

  it("is refused where another node may still read the input", () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [4]);
    graph.output("next", onnx.add(graph, x, graph.scalar(1)));
    graph.output("other", onnx.multiply(graph, x, graph.scalar(2)));
    expect(() => assertInPlace(graph, pair)).toThrow(/may still be read/);
  });

  it("is refused where an output element depends on several input elements", () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [4, 4]);
    graph.output("next", onnx.matMul(graph, x, x));
    expect(() => assertInPlace(graph, pair)).toThrow(/element by element/);
  });

  it("is refused where shapes differ", () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [1]);
    const y = graph.input("y", "float32", [4]);
    graph.output("next", onnx.add(graph, x, y));
    expect(() => assertInPlace(graph, pair)).toThrow(/differ in shape/);
  });
});
