/**
 * @file The Apertus decoder written in graph operators (Apertus technical report §2.1; Hugging Face
 * `modular_apertus.py`): pre-norm blocks of grouped-query attention with QK-norm before the rotation, and an
 * ungated MLP with xIELU; no bias anywhere.
 */
import { assert } from "../core/index.ts";
import {
  attention,
  documentBlocks,
  embedding,
  type Graph,
  linear,
  onnx,
  residual,
  rmsNorm,
  type Rotation,
  rotary,
  splitColumns,
  type Value,
  xielu,
} from "../graph/index.ts";
import type { ModelConfig } from "./config.ts";
import { graphParameters } from "./parameters.ts";
import { rotaryTables } from "./rope.ts";

/** The token inputs of a graph. */
export interface TokenInputs {
  /** [batch·length] int32. */
  readonly ids: Value;
  /** [batch, length] int32: distance from the start of the position's document. */
  readonly positions: Value;
  /** [batch, length] int32: which document a position belongs to. */
  readonly segments: Value;
}

/** Declares `ids`, `positions` and `segments`. */
export function tokenInputs(graph: Graph, batch: number, length: number): TokenInputs {
  return {
    ids: graph.input("ids", "int32", [batch * length]),
    positions: graph.input("positions", "int32", [batch, length]),
    segments: graph.input("segments", "int32", [batch, length]),
  };
}

/** Declares the decoder's parameters as inputs, by their graph names. */
export function parameterInputs(graph: Graph, config: ModelConfig): Map<string, Value> {
  return new Map(
    graphParameters(config).map(({ name, shape }) => [name, graph.input(name, "float32", shape)] as const),
  );
}

function rotationInputs(graph: Graph, config: ModelConfig, positions: Value, length: number): Rotation {
  const { cos, sin } = rotaryTables(config, length);
  const shape = [length, config.headDim / 2];
  return {
    positions: onnx.cast(graph, positions, "int64"),
    cos: graph.constant(cos, shape),
    sin: graph.constant(sin, shape),
    negativeSin: graph.constant(
      sin.map((value) => -value),
      shape,
    ),
  };
}

/**
 * The decoder from token ids to the normalised hidden state that the output layer reads.
 *
 * @returns [batch·length, hiddenSize]
 */
export function decoder(
  graph: Graph,
  config: ModelConfig,
  parameters: ReadonlyMap<string, Value>,
  inputs: TokenInputs,
): Value {
  const [batch, length] = inputs.positions.shape as readonly [number, number];
  const { heads, kvHeads, headDim, normEps } = config;
  const parameter = (name: string): Value => {
    const value = parameters.get(name);
    assert(value !== undefined, `the decoder has no parameter ${name}`);
    return value;
  };
  const rotation = rotationInputs(graph, config, inputs.positions, length);
  const blocks = documentBlocks(graph, inputs.segments);
  const queries = heads * headDim;
  const keys = kvHeads * headDim;

  let x = embedding(graph, parameter("model.embed_tokens.weight"), inputs.ids);
  for (let layer = 0; layer < config.layers; layer++) {
    const of = (name: string): Value => parameter(`model.layers.${layer}.${name}`);
    const normed = rmsNorm(graph, x, of("attention_layernorm.weight"), normEps);
    const qkv = linear(graph, normed, of("self_attn.qkv_proj.weight"));
    const [q, k, v] = splitColumns(graph, qkv, [queries, keys, keys]);
    const turn = (vector: Value, norm: string): Value =>
      rotary(graph, rmsNorm(graph, vector, of(norm), normEps), rotation, batch, length);
    const mixed = attention(
      graph,
      turn(q!, "self_attn.q_norm.weight"),
      turn(k!, "self_attn.k_norm.weight"),
      v!,
      blocks,
      { batch, length, heads, kvHeads, headDim },
    );
    x = residual(graph, x, linear(graph, mixed, of("self_attn.o_proj.weight")));

    const wide = linear(
      graph,
      rmsNorm(graph, x, of("feedforward_layernorm.weight"), normEps),
      of("mlp.up_proj.weight"),
    );
    const active = xielu(graph, wide, of("mlp.act_fn.alpha_p"), of("mlp.act_fn.alpha_n"));
    x = residual(graph, x, linear(graph, active, of("mlp.down_proj.weight")));
  }
  return rmsNorm(graph, x, parameter("model.norm.weight"), normEps);
}
