/**
 * @file The Apertus decoder for programs that run ONNX files: batch and lengths are free, and keys and values of earlier
 * tokens go in and come out, so that speaking costs one token's work per token. Inputs and outputs have the names that
 * Hugging Face's exporters give them (`past_key_values.N.key`, `present.N.key`), which transformers.js expects.
 * Source: ONNX Runtime, contrib operators `GroupQueryAttention` and `SimplifiedLayerNormalization`.
 */
import { Graph, onnx, type Value, xielu } from "../graph/index.ts";
import { type ModelConfig, parameterSpecs } from "./config.ts";

/** The tables of angles, beside the parameters: [contextLength, headDim/2] each. */
export const ROTARY_TABLES = ["rotary.cos", "rotary.sin"] as const;

/** A graph and which of its inputs are the model's own tensors, not the caller's. */
export interface CachedGraph {
  readonly graph: Graph;
  /** In the order in which the graph needs them. */
  readonly weights: readonly Value[];
}

/** Every axis but the last is known only when the graph runs; shapes inside the graph are examples of one token. */
class Builder {
  readonly graph = new Graph();
  readonly weights: Value[] = [];

  weight(name: string, shape: readonly number[]): Value {
    const value = this.graph.input(name, "float32", shape);
    this.weights.push(value);
    return value;
  }

  node(
    type: string,
    inputs: readonly Value[],
    shape: readonly number[],
    attributes: Parameters<Graph["node"]>[3] = {},
    dtype: Value["dtype"] = "float32",
  ): Value {
    return this.graph.node(type, inputs, [{ dtype, shape }], attributes)[0]!;
  }

  integers(...values: number[]): Value {
    return this.graph.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  /** To shape [rows, width], whatever the number of rows. */
  rows(x: Value, width: number): Value {
    return this.node("Reshape", [x, this.integers(-1, width)], [1, width]);
  }

  /** x·Wᵀ for x [rows, in] and W [out, in]. */
  linear(x: Value, weight: Value): Value {
    return this.node("Gemm", [x, weight], [1, weight.shape[0]!], { transB: 1 });
  }

  /** x over its last axis, as wide as `weight`. */
  norm(x: Value, weight: Value, eps: number): Value {
    const attributes = { axis: -1, epsilon: { float: eps }, stash_type: 1 };
    return this.node("SimplifiedLayerNormalization", [x, weight], x.shape, attributes);
  }
}

interface Attention {
  /** [batch, length] of the call, as two integers. */
  readonly size: Value;
  readonly cos: Value;
  readonly sin: Value;
  /** [batch] int32: index of each sequence's last token, earlier ones counted. */
  readonly lastIndex: Value;
  /** int32 scalar: tokens with the earlier ones. */
  readonly total: Value;
}

const ABSENT: Value = { name: "", dtype: "float32", shape: [] };

/** The keys or values of one layer. */
function cacheAxes(length: string): readonly (string | null)[] {
  return ["batch_size", null, length, null];
}

function attend(
  builder: Builder,
  config: ModelConfig,
  layer: number,
  normed: Value,
  of: (name: string) => Value,
  { size, cos, sin, lastIndex, total }: Attention,
  cached: boolean,
): Value {
  const { graph } = builder;
  const { heads, kvHeads, headDim, normEps } = config;
  const project = (name: string, count: number, norm: string | undefined): Value => {
    const flat = builder.linear(normed, of(`self_attn.${name}.weight`));
    const ready =
      norm === undefined
        ? flat
        : builder.norm(builder.rows(flat, headDim), of(`self_attn.${norm}.weight`), normEps);
    const shape = builder.node(
      "Concat",
      [size, builder.integers(count * headDim)],
      [3],
      { axis: 0 },
      "int64",
    );
    return builder.node("Reshape", [ready, shape], [1, 1, count * headDim]);
  };
  const cacheShape = [1, kvHeads, 1, headDim];
  const past = (kind: string): Value =>
    cached
      ? graph.input(
          `past_key_values.${layer}.${kind}`,
          "float32",
          cacheShape,
          cacheAxes("past_sequence_length"),
        )
      : ABSENT;
  const [mixed, key, value] = graph.node(
    "GroupQueryAttention",
    [
      project("q_proj", heads, "q_norm"),
      project("k_proj", kvHeads, "k_norm"),
      project("v_proj", kvHeads, undefined),
      past("key"),
      past("value"),
      lastIndex,
      total,
      cos,
      sin,
    ],
    [
      { dtype: "float32", shape: [1, 1, heads * headDim] },
      ...[0, 1].map(() => ({ dtype: "float32" as const, shape: cacheShape })),
    ],
    {
      num_heads: heads,
      kv_num_heads: kvHeads,
      do_rotary: 1,
      rotary_interleaved: 0,
      scale: { float: 1 / Math.sqrt(headDim) },
    },
    "com.microsoft",
  );
  if (cached) {
    for (const [kind, present] of [
      ["key", key!],
      ["value", value!],
    ] as const)
      graph.output(`present.${layer}.${kind}`, { ...present, axes: cacheAxes("total_sequence_length") });
  }
  return builder.linear(builder.rows(mixed!, heads * headDim), of("self_attn.o_proj.weight"));
}

/** Ids and mask to logits [rows, vocabSize]. */
function decode(config: ModelConfig, cached: boolean) {
  const builder = new Builder();
  const { graph } = builder;
  const ids = graph.input("input_ids", "int64", [1, 1], ["batch_size", "sequence_length"]);
  const mask = graph.input(
    "attention_mask",
    "int64",
    [1, 1],
    ["batch_size", cached ? "total_sequence_length" : "sequence_length"],
  );
  const shapes = new Map(parameterSpecs(config).map(({ name, shape }) => [name, shape]));
  const weight = (name: string): Value => builder.weight(name, shapes.get(name)!);
  const integer = (x: Value, shape: readonly number[]): Value =>
    builder.node("Cast", [x], shape, { to: INT32 }, "int32");
  const seen = builder.node("ReduceSum", [mask, builder.integers(1)], [1], { keepdims: 0 }, "int64");
  const [cosName, sinName] = ROTARY_TABLES;
  const angles = [config.contextLength, config.headDim / 2];
  const maskShape = builder.node("Shape", [mask], [2], {}, "int64");
  const one = graph.constant(BigInt64Array.of(1n), []);
  const attention: Attention = {
    size: builder.node("Shape", [ids], [2], {}, "int64"),
    cos: builder.weight(cosName, angles),
    sin: builder.weight(sinName, angles),
    lastIndex: integer(onnx.subtract(graph, seen, builder.integers(1)), [1]),
    total: integer(builder.node("Gather", [maskShape, one], [], { axis: 0 }, "int64"), []),
  };
  const { hiddenSize, normEps } = config;
  const embedded = builder.node("Gather", [weight("model.embed_tokens.weight"), ids], [1, 1, hiddenSize], {
    axis: 0,
  });
  let x = builder.rows(embedded, hiddenSize);
  for (let layer = 0; layer < config.layers; layer++) {
    const of = (name: string): Value => weight(`model.layers.${layer}.${name}`);
    const normed = builder.norm(x, of("attention_layernorm.weight"), normEps);
    x = onnx.add(graph, x, attend(builder, config, layer, normed, of, attention, cached));
    const up = builder.linear(
      builder.norm(x, of("feedforward_layernorm.weight"), normEps),
      of("mlp.up_proj.weight"),
    );
    const active = xielu(graph, up, of("mlp.act_fn.alpha_p"), of("mlp.act_fn.alpha_n"));
    x = onnx.add(graph, x, builder.linear(active, of("mlp.down_proj.weight")));
  }
  const last = builder.norm(x, weight("model.norm.weight"), normEps);
  return { builder, ids, size: attention.size, logits: builder.linear(last, weight("lm_head.weight")) };
}

/** `TensorProto.DataType`. */
const INT32 = 6;

/**
 * Logits with a cache. Inputs: `input_ids` [batch, length] int64, `attention_mask` [batch, past + length] int64 (ones),
 * `past_key_values.N.key` and `.value` [batch, kvHeads, past, headDim]. Outputs: `logits` [batch, length, vocabSize],
 * `present.N.key` and `.value` [batch, kvHeads, past + length, headDim].
 */
export function speakingGraph(config: ModelConfig): CachedGraph {
  const { builder, size, logits } = decode(config, true);
  const { graph, weights } = builder;
  const shape = builder.node("Concat", [size, builder.integers(config.vocabSize)], [3], { axis: 0 }, "int64");
  const shaped = builder.node("Reshape", [logits, shape], [1, 1, config.vocabSize]);
  graph.output("logits", { ...shaped, axes: ["batch_size", "sequence_length", null] });
  return { graph, weights };
}

/**
 * What each token costs. Inputs: `input_ids` [batch, length] int64, `attention_mask` [batch, length] int64 (ones, zeros for
 * padding at the end). Output: `logprobs` [batch, length − 1], the natural-log probability of token i + 1 after the tokens
 * up to i.
 */
export function scoringGraph(config: ModelConfig): CachedGraph {
  const { builder, ids, size, logits } = decode(config, false);
  const { graph, weights } = builder;
  const cut = (x: Value, from: number, to: number, dtype: Value["dtype"]): Value =>
    builder.node(
      "Slice",
      [x, builder.integers(from), builder.integers(to), builder.integers(1)],
      x.shape,
      {},
      dtype,
    );
  const end = 2 ** 31;
  const shape = builder.node("Concat", [size, builder.integers(config.vocabSize)], [3], { axis: 0 }, "int64");
  const shaped = builder.node("Reshape", [logits, shape], [1, 1, config.vocabSize]);
  const all = builder.node("LogSoftmax", [cut(shaped, 0, -1, "float32")], shaped.shape, { axis: -1 });
  const next = builder.node(
    "Unsqueeze",
    [cut(ids, 1, end, "int64"), builder.integers(-1)],
    [1, 1, 1],
    {},
    "int64",
  );
  const picked = builder.node("GatherElements", [all, next], [1, 1, 1], { axis: -1 });
  const logprobs = builder.node("Squeeze", [picked, builder.integers(-1)], [1, 1]);
  graph.output("logprobs", { ...logprobs, axes: ["batch_size", "scored_length"] });
  return { graph, weights };
}
