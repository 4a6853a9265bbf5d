/**
 * @file The ONNX operators Firn uses, each with its shape rule. They know nothing about gradients; the
 * differentiable operators in `operators/` are built from them. Reference: the ONNX operator specification
 * (opset 18) and ONNX Runtime's contrib operators (`com.microsoft`).
 */
import { assert } from "../core/index.ts";
import { type Graph, sizeOf, type Value } from "./graph.ts";

/** NumPy broadcasting of two shapes. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    assert(x === y || x === 1 || y === 1, `shapes [${a.join(",")}] and [${b.join(",")}] do not broadcast`);
    shape.push(Math.max(x, y));
  }
  return shape;
}

function elementwise(graph: Graph, type: string, a: Value, b: Value): Value {
  assert(a.dtype === b.dtype, `${type} of ${a.dtype} and ${b.dtype}`);
  return graph.node(type, [a, b], [{ dtype: a.dtype, shape: broadcastShape(a.shape, b.shape) }])[0]!;
}

export const add = (graph: Graph, a: Value, b: Value): Value => elementwise(graph, "Add", a, b);
export const subtract = (graph: Graph, a: Value, b: Value): Value => elementwise(graph, "Sub", a, b);
export const multiply = (graph: Graph, a: Value, b: Value): Value => elementwise(graph, "Mul", a, b);
export const divide = (graph: Graph, a: Value, b: Value): Value => elementwise(graph, "Div", a, b);

/** `type` applied to each element: Relu, Elu, Exp, Log, Sqrt, Neg, Sigmoid, Softplus … */
export function unary(graph: Graph, type: string, x: Value): Value {
  return graph.node(type, [x], [{ dtype: x.dtype, shape: x.shape }])[0]!;
}

/** Elementwise maximum of two tensors. */
export const maximum = (graph: Graph, a: Value, b: Value): Value => elementwise(graph, "Max", a, b);

/** Elementwise `a == b` or `a >= b` as booleans. */
export function compare(graph: Graph, type: "Equal" | "GreaterOrEqual", a: Value, b: Value): Value {
  return graph.node(type, [a, b], [{ dtype: "bool", shape: broadcastShape(a.shape, b.shape) }])[0]!;
}

export function logicalAnd(graph: Graph, a: Value, b: Value): Value {
  return graph.node("And", [a, b], [{ dtype: "bool", shape: broadcastShape(a.shape, b.shape) }])[0]!;
}

export function where(graph: Graph, condition: Value, a: Value, b: Value): Value {
  const shape = broadcastShape(condition.shape, broadcastShape(a.shape, b.shape));
  return graph.node("Where", [condition, a, b], [{ dtype: a.dtype, shape }])[0]!;
}

const ONNX_TYPE = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;

export function cast(graph: Graph, x: Value, dtype: Value["dtype"]): Value {
  return graph.node("Cast", [x], [{ dtype, shape: x.shape }], { to: ONNX_TYPE[dtype] })[0]!;
}

export function reshape(graph: Graph, x: Value, shape: readonly number[]): Value {
  if (x.shape.length === shape.length && x.shape.every((size, i) => size === shape[i])) return x;
  assert(sizeOf(x.shape) === sizeOf(shape), `cannot reshape [${x.shape.join(",")}] to [${shape.join(",")}]`);
  const target = graph.constant(BigInt64Array.from(shape, BigInt), [shape.length]);
  return graph.node("Reshape", [x, target], [{ dtype: x.dtype, shape }])[0]!;
}

/** Output axis i is input axis `axes[i]`. */
export function transpose(graph: Graph, x: Value, axes: readonly number[]): Value {
  const shape = axes.map((axis) => x.shape[axis]!);
  return graph.node("Transpose", [x], [{ dtype: x.dtype, shape }], { perm: axes })[0]!;
}

/** Sums over `axes`, keeping them with size 1. */
export function reduceSum(graph: Graph, x: Value, axes: readonly number[]): Value {
  const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const list = graph.constant(BigInt64Array.from(axes, BigInt), [axes.length]);
  return graph.node("ReduceSum", [x, list], [{ dtype: x.dtype, shape }], { keepdims: 1 })[0]!;
}

/** The sum of all elements, shape []. */
export function sumAll(graph: Graph, x: Value): Value {
  return graph.node("ReduceSum", [x], [{ dtype: x.dtype, shape: [] }], { keepdims: 0 })[0]!;
}

/** The sum of the squares of all elements, shape []. */
export function sumOfSquares(graph: Graph, x: Value): Value {
  return graph.node("ReduceSumSquare", [x], [{ dtype: x.dtype, shape: [] }], { keepdims: 0 })[0]!;
}

export interface MatMulOptions {
  /** Swap the last two axes of the first / second factor. */
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Factor on the product. */
  readonly alpha?: number;
}

/** Batched matrix product alpha·op(a)·op(b) over the last two axes; leading axes broadcast. */
export function matMul(graph: Graph, a: Value, b: Value, options: MatMulOptions = {}): Value {
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  const rankA = a.shape.length;
  const rankB = b.shape.length;
  assert(rankA >= 2 && rankB >= 2, "matMul takes tensors of at least two axes");
  const [m, innerA] = transposeA
    ? [a.shape[rankA - 1]!, a.shape[rankA - 2]!]
    : [a.shape[rankA - 2]!, a.shape[rankA - 1]!];
  const [innerB, n] = transposeB
    ? [b.shape[rankB - 1]!, b.shape[rankB - 2]!]
    : [b.shape[rankB - 2]!, b.shape[rankB - 1]!];
  assert(
    innerA === innerB,
    `matMul of [${a.shape.join(",")}] and [${b.shape.join(",")}]: inner sizes differ`,
  );
  const shape = [...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), m, n];
  if (!transposeA && !transposeB && alpha === 1) {
    return graph.node("MatMul", [a, b], [{ dtype: "float32", shape }])[0]!;
  }
  const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0, alpha: { float: alpha } };
  return graph.node("FusedMatMul", [a, b], [{ dtype: "float32", shape }], attributes, "com.microsoft")[0]!;
}

/** Rows of `table` [rows, …] at `indices` (any shape, int32). */
export function gatherRows(graph: Graph, table: Value, indices: Value): Value {
  const shape = [...indices.shape, ...table.shape.slice(1)];
  return graph.node("Gather", [table, indices], [{ dtype: table.dtype, shape }], { axis: 0 })[0]!;
}

/** One element per index along the last axis: out[…, j] = x[…, indices[…, j]]. */
export function gatherLast(graph: Graph, x: Value, indices: Value): Value {
  return graph.node("GatherElements", [x, indices], [{ dtype: x.dtype, shape: indices.shape }], {
    axis: -1,
  })[0]!;
}

/**
 * Adds `updates` into a copy of `x` at `indices` along `axis`. `ScatterElements` is exact and repeatable with repeated
 * indices; `ScatterND` with `reduction: add` is a data race in ONNX Runtime's CPU provider and must not be used.
 */
export function scatterAdd(graph: Graph, x: Value, indices: Value, updates: Value, axis: number): Value {
  const attributes = { axis, reduction: "add" };
  return graph.node(
    "ScatterElements",
    [x, indices, updates],
    [{ dtype: x.dtype, shape: x.shape }],
    attributes,
  )[0]!;
}

/** Repeats size-1 axes of `x` to `shape`. */
export function expand(graph: Graph, x: Value, shape: readonly number[]): Value {
  const target = graph.constant(BigInt64Array.from(shape, BigInt), [shape.length]);
  return graph.node("Expand", [x, target], [{ dtype: x.dtype, shape }])[0]!;
}

/** `x[start:end]` on `axis`. */
export function slice(graph: Graph, x: Value, axis: number, start: number, end: number): Value {
  if (start === 0 && end === x.shape[axis]) return x;
  const one = (value: number): Value => graph.constant(BigInt64Array.of(BigInt(value)), [1]);
  const shape = x.shape.map((size, i) => (i === axis ? end - start : size));
  return graph.node("Slice", [x, one(start), one(end), one(axis)], [{ dtype: x.dtype, shape }])[0]!;
}

/** Cuts the last axis into pieces of `sizes`. */
export function splitLast(graph: Graph, x: Value, sizes: readonly number[]): Value[] {
  const lengths = graph.constant(BigInt64Array.from(sizes, BigInt), [sizes.length]);
  const outputs = sizes.map((size) => ({ dtype: x.dtype, shape: [...x.shape.slice(0, -1), size] }));
  return graph.node("Split", [x, lengths], outputs, { axis: x.shape.length - 1 });
}

/** Joins tensors along `axis`. */
export function concatenate(graph: Graph, parts: readonly Value[], axis: number): Value {
  if (parts.length === 1) return parts[0]!;
  const first = parts[0]!.shape;
  const at = axis < 0 ? first.length + axis : axis;
  const shape = first.map((size, i) =>
    i === at ? parts.reduce((sum, part) => sum + part.shape[i]!, 0) : size,
  );
  return graph.node("Concat", parts, [{ dtype: parts[0]!.dtype, shape }], { axis: at })[0]!;
}

/** Softmax over the last axis. */
export function softmax(graph: Graph, x: Value): Value {
  return graph.node("Softmax", [x], [{ dtype: "float32", shape: x.shape }], { axis: -1 })[0]!;
}
