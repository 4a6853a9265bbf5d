/** @file Rotary positions and grouped-query attention with an additive mask. */
import { assert } from "../../core/index.ts";
import type { Graph, Value } from "../graph.ts";
import * as onnx from "../primitives.ts";

/** How the rows of a [batch·length, …] matrix are cut into sequences and heads. */
export interface AttentionLayout {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Tables and positions of the rotary embedding; all sequences share the tables. */
export interface Rotation {
  /** [batch, length] int64. */
  readonly positions: Value;
  /** [context, headDim/2] each. */
  readonly cos: Value;
  readonly sin: Value;
  readonly negativeSin: Value;
}

/**
 * Rotates each head vector of x [batch·length, heads·headDim] by its position (Su et al. 2021; half-rotation layout:
 * first half with second half). A rotation's gradient is the rotation by the negative angle.
 */
export function rotary(graph: Graph, x: Value, rotation: Rotation, batch: number, length: number): Value {
  const width = x.shape[1]!;
  const turn = (input: Value, sin: Value): Value => {
    const sequences = onnx.reshape(graph, input, [batch, length, width]);
    const [turned] = graph.node(
      "RotaryEmbedding",
      [sequences, rotation.positions, rotation.cos, sin],
      [{ dtype: "float32", shape: [batch, length, width] }],
      { interleaved: 0 },
      "com.microsoft",
    );
    return onnx.reshape(graph, turned!, x.shape);
  };
  const y = turn(x, rotation.sin);
  graph.record({
    operator: "rotary",
    inputs: [x],
    outputs: [y],
    backward: ([dy]) => [turn(dy!, rotation.negativeSin)],
  });
  return y;
}

/**
 * softmax(q·kᵀ/√headDim + mask)·v per head, query heads sharing key/value heads in groups.
 *
 * @param q [batch·length, heads·headDim]; k, v [batch·length, kvHeads·headDim]; mask [batch, 1, length, length],
 *   0 where a query may look and a large negative number where it may not.
 * @returns [batch·length, heads·headDim]
 *
 * The query heads of one group stand next to each other, so a group is one matrix product of
 * [group·length, headDim] with its single key head: nothing is copied per query head. Gradient of the softmax:
 * dS = P∘(dP − rowsum(dO∘O)) (the identity used by FlashAttention, Dao et al. 2022, §3.1).
 */
export function attention(
  graph: Graph,
  q: Value,
  k: Value,
  v: Value,
  mask: Value,
  layout: AttentionLayout,
): Value {
  const { batch, length, heads, kvHeads, headDim } = layout;
  assert(heads % kvHeads === 0, "attention: kvHeads must divide heads");
  const group = heads / kvHeads;
  const scale = 1 / Math.sqrt(headDim);
  const toHeads = (x: Value, count: number): Value =>
    onnx.transpose(graph, onnx.reshape(graph, x, [batch, length, count, headDim]), [0, 2, 1, 3]);
  const fromHeads = (x: Value, count: number): Value =>
    onnx.reshape(
      graph,
      onnx.transpose(graph, onnx.reshape(graph, x, [batch, count, length, headDim]), [0, 2, 1, 3]),
      [batch * length, count * headDim],
    );
  // [batch, kvHeads, headDim, length] → rows: the same transposition costs as much from here.
  const fromColumns = (x: Value): Value =>
    onnx.reshape(graph, onnx.transpose(graph, x, [0, 3, 1, 2]), [batch * length, kvHeads * headDim]);
  const grouped = [batch, kvHeads, group * length, headDim];
  const square = [batch, kvHeads, group * length, length];
  const perHead = [batch, heads, length, length];

  const qh = onnx.reshape(graph, toHeads(q, heads), grouped);
  const kh = toHeads(k, kvHeads);
  const vh = toHeads(v, kvHeads);
  const scores = onnx.reshape(graph, onnx.matMul(graph, qh, kh, { transposeB: true, alpha: scale }), perHead);
  const weights = onnx.reshape(graph, onnx.softmax(graph, onnx.add(graph, scores, mask)), square);
  const out = onnx.matMul(graph, weights, vh);
  const y = fromHeads(out, heads);
  graph.record({
    operator: "attention",
    inputs: [q, k, v],
    outputs: [y],
    backward: ([dy]) => {
      const dOut = onnx.reshape(graph, toHeads(dy!, heads), grouped);
      // dv and dk are computed transposed, dOᵀ·P and qᵀ·dS: transposing the narrow factor instead of the
      // length × length one is three times as fast in ONNX Runtime.
      const dv = onnx.matMul(graph, dOut, weights, { transposeA: true });
      const dWeights = onnx.matMul(graph, dOut, vh, { transposeB: true });
      const inner = onnx.reduceSum(graph, onnx.multiply(graph, dOut, out), [3]);
      const dScores = onnx.multiply(graph, weights, onnx.subtract(graph, dWeights, inner));
      const dq = onnx.matMul(graph, dScores, kh, { alpha: scale });
      const dk = onnx.matMul(graph, qh, dScores, { transposeA: true, alpha: scale });
      return [fromHeads(dq, heads), fromColumns(dk), fromColumns(dv)];
    },
  });
  return y;
}

/**
 * The mask of causal attention inside documents: 0 where segments[b, i] == segments[b, j] and j ≤ i, else −1e9.
 *
 * @param segments [batch, length] int32: the number of the document each position belongs to.
 * @returns [batch, 1, length, length]
 */
export function documentMask(graph: Graph, segments: Value, batch: number, length: number): Value {
  const order = graph.constant(
    Int32Array.from({ length }, (_, i) => i),
    [length],
  );
  const causal = onnx.compare(
    graph,
    "GreaterOrEqual",
    onnx.reshape(graph, order, [1, 1, length, 1]),
    onnx.reshape(graph, order, [1, 1, 1, length]),
  );
  const same = onnx.compare(
    graph,
    "Equal",
    onnx.reshape(graph, segments, [batch, 1, length, 1]),
    onnx.reshape(graph, segments, [batch, 1, 1, length]),
  );
  return onnx.where(graph, onnx.logicalAnd(graph, same, causal), graph.scalar(0), graph.scalar(-1e9));
}
