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

/** Queries in a block; more than eight blocks cost more in small operators than they save. */
const BLOCK_ROWS = 128;
const MAX_BLOCKS = 8;

/** The queries from `start` to `end` of every sequence; they meet the keys before `end`. */
export interface QueryBlock {
  readonly start: number;
  readonly end: number;
  /** [batch, 1, end − start, end]: 0 where a query may look and a large negative number where it may not. */
  readonly mask: Value;
}

/**
 * softmax(q·kᵀ/√headDim + mask)·v per head, query heads sharing key/value heads in groups, causal.
 *
 * @param q [batch·length, heads·headDim]; k, v [batch·length, kvHeads·headDim]; blocks cover the length in order
 * @returns [batch·length, heads·headDim]
 *
 * A block of queries meets only the keys up to its own end: what causality forbids anyway is hardly computed. The query
 * heads of one group stand next to each other, so a group is one matrix product of [group·rows, headDim] with
 * its single key head: nothing is copied per query head. Gradient of the softmax: dS = P∘(dP − rowsum(dO∘O)) (the
 * identity used by FlashAttention, Dao et al. 2022, §3.1).
 */
export function attention(
  graph: Graph,
  q: Value,
  k: Value,
  v: Value,
  blocks: readonly QueryBlock[],
  layout: AttentionLayout,
): Value {
  const { batch, length, heads, kvHeads, headDim } = layout;
  assert(heads % kvHeads === 0, "attention: kvHeads must divide heads");
  assert(blocks.at(-1)?.end === length, "attention: the blocks cover the length");
  const group = heads / kvHeads;
  const scale = 1 / Math.sqrt(headDim);
  const toHeads = (x: Value, count: number): Value =>
    onnx.transpose(graph, onnx.reshape(graph, x, [batch, length, count, headDim]), [0, 2, 1, 3]);
  const queriesOf = (x: Value, start: number, end: number): Value =>
    onnx.reshape(graph, onnx.slice(graph, x, 2, start, end), [
      batch,
      kvHeads,
      group * (end - start),
      headDim,
    ]);
  const keysOf = (x: Value, end: number): Value => onnx.slice(graph, x, 2, 0, end);
  const fromHeads = (parts: readonly Value[]): Value => {
    const perHead = parts.map((part, i) =>
      onnx.reshape(graph, part, [batch, heads, blocks[i]!.end - blocks[i]!.start, headDim]),
    );
    return onnx.reshape(graph, onnx.transpose(graph, onnx.concatenate(graph, perHead, 2), [0, 2, 1, 3]), [
      batch * length,
      heads * headDim,
    ]);
  };
  // Sums parts [batch, kvHeads, headDim, end] over the blocks; rows again: this transposition costs as much as toHeads.
  const fromColumns = (parts: readonly Value[]): Value => {
    const sum = parts.reduceRight((later, part) => {
      const end = part.shape[3]!;
      const shared = onnx.add(graph, onnx.slice(graph, later, 3, 0, end), part);
      return onnx.concatenate(graph, [shared, onnx.slice(graph, later, 3, end, length)], 3);
    });
    const rows = onnx.transpose(graph, sum, [0, 3, 1, 2]);
    return onnx.reshape(graph, rows, [batch * length, kvHeads * headDim]);
  };

  const qh = toHeads(q, heads);
  const kh = toHeads(k, kvHeads);
  const vh = toHeads(v, kvHeads);
  const parts = blocks.map(({ start, end, mask }) => {
    const queries = queriesOf(qh, start, end);
    const keys = keysOf(kh, end);
    const values = keysOf(vh, end);
    const scores = onnx.matMul(graph, queries, keys, { transposeB: true, alpha: scale });
    const perHead = onnx.reshape(graph, scores, [batch, heads, end - start, end]);
    const weights = onnx.softmax(graph, onnx.add(graph, perHead, mask));
    const grouped = onnx.reshape(graph, weights, scores.shape);
    return { start, end, queries, keys, values, weights: grouped, out: onnx.matMul(graph, grouped, values) };
  });
  const y = fromHeads(parts.map(({ out }) => out));
  graph.record({
    operator: "attention",
    inputs: [q, k, v],
    outputs: [y],
    backward: ([dy]) => {
      const dyHeads = toHeads(dy!, heads);
      const found = parts.map(({ start, end, queries, keys, values, weights, out }) => {
        const dOut = queriesOf(dyHeads, start, end);
        // dv and dk are computed transposed, dOᵀ·P and qᵀ·dS: transposing the narrow factor instead of the
        // square one is three times as fast in ONNX Runtime.
        const dv = onnx.matMul(graph, dOut, weights, { transposeA: true });
        const dWeights = onnx.matMul(graph, dOut, values, { transposeB: true });
        const inner = onnx.reduceSum(graph, onnx.multiply(graph, dOut, out), [3]);
        const dScores = onnx.multiply(graph, weights, onnx.subtract(graph, dWeights, inner));
        const dq = onnx.matMul(graph, dScores, keys, { alpha: scale });
        const dk = onnx.matMul(graph, queries, dScores, { transposeA: true, alpha: scale });
        return { dq, dk, dv };
      });
      return [
        fromHeads(found.map(({ dq }) => dq)),
        fromColumns(found.map(({ dk }) => dk)),
        fromColumns(found.map(({ dv }) => dv)),
      ];
    },
  });
  return y;
}

/**
 * Blocks of causal attention inside documents: the masks are 0 where segments[b, i] == segments[b, j] and j ≤ i, else −1e9.
 *
 * @param segments [batch, length] int32: the number of the document each position belongs to
 * @param rows queries in a block
 */
export function documentBlocks(
  graph: Graph,
  segments: Value,
  rows = Math.max(BLOCK_ROWS, Math.ceil(segments.shape[1]! / MAX_BLOCKS)),
): QueryBlock[] {
  const [batch, length] = segments.shape as readonly [number, number];
  const order = graph.constant(
    Int32Array.from({ length }, (_, i) => i),
    [length],
  );
  const blockAt = (start: number): QueryBlock => {
    const end = Math.min(length, start + rows);
    const count = end - start;
    const of = (x: Value, from: number, to: number, shape: readonly number[]): Value =>
      onnx.reshape(graph, onnx.slice(graph, x, x.shape.length - 1, from, to), shape);
    const causal = onnx.compare(
      graph,
      "GreaterOrEqual",
      of(order, start, end, [1, 1, count, 1]),
      of(order, 0, end, [1, 1, 1, end]),
    );
    const same = onnx.compare(
      graph,
      "Equal",
      of(segments, start, end, [batch, 1, count, 1]),
      of(segments, 0, end, [batch, 1, 1, end]),
    );
    const seen = onnx.logicalAnd(graph, same, causal);
    return { start, end, mask: onnx.where(graph, seen, graph.scalar(0), graph.scalar(-1e9)) };
  };
  return Array.from({ length: Math.ceil(length / rows) }, (_, i) => blockAt(i * rows));
}
