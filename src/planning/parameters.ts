/** @file What a decoder's parameters add up to, part by part. Source: Apertus technical report §2.1 and Table 1. */
import { type ModelConfig, parameterSpecs } from "../model/index.ts";

/** Parameter counts; `total` is the sum of the other parts. */
export interface ParameterBreakdown {
  readonly total: number;
  /** Without the input embedding and the (untied) output matrix. */
  readonly nonEmbedding: number;
  /** V·d each: the input embedding and the output matrix. */
  readonly embedding: number;
  readonly output: number;
  /** Query, key, value and output projections of every layer. */
  readonly attention: number;
  /** Up and down projections of every layer. */
  readonly mlp: number;
  /** RMSNorm and QK-norm weights and the two xIELU scalars of every layer. */
  readonly small: number;
}

/** Counts every trained parameter of `config` from its list of tensors. */
export function countParameters(config: ModelConfig): ParameterBreakdown {
  let embedding = 0;
  let output = 0;
  let attention = 0;
  let mlp = 0;
  let small = 0;
  for (const { name, shape } of parameterSpecs(config)) {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    if (name === "model.embed_tokens.weight") embedding += size;
    else if (name === "lm_head.weight") output += size;
    else if (shape.length === 1) small += size;
    else if (name.includes(".self_attn.")) attention += size;
    else mlp += size;
  }
  const nonEmbedding = attention + mlp + small;
  return { total: nonEmbedding + embedding + output, nonEmbedding, embedding, output, attention, mlp, small };
}
