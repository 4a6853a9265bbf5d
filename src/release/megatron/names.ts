/**
 * @file Where Megatron-LM keeps what Hugging Face calls by other names. Q, K and V of a layer are one matrix there: for each
 * key/value head its query heads' rows, then one key head's, then one value head's.
 * Source: swiss-ai/Megatron-LM `tools/checkpoint/schema_core.py` (names, the same for its `local` and
 * `transformer_engine` layers) and `saver_swissai_hf.py` (order of the fused rows).
 */
import { type ModelConfig, parameterSpecs } from "../../model/index.ts";

/** Rows of a Hugging Face tensor. */
export interface RowRange {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** A tensor of a Megatron checkpoint and what it is made of, in row order. */
export interface MegatronTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parts: readonly RowRange[];
}

const MODEL: Readonly<Record<string, string>> = {
  "model.embed_tokens.weight": "embedding.word_embeddings.weight",
  "model.norm.weight": "decoder.final_layernorm.weight",
  "lm_head.weight": "output_layer.weight",
};
const LAYER: Readonly<Record<string, string>> = {
  "attention_layernorm.weight": "input_layernorm.weight",
  "self_attn.o_proj.weight": "self_attention.linear_proj.weight",
  "self_attn.q_norm.weight": "self_attention.q_layernorm.weight",
  "self_attn.k_norm.weight": "self_attention.k_layernorm.weight",
  "feedforward_layernorm.weight": "pre_mlp_layernorm.weight",
  "mlp.up_proj.weight": "mlp.linear_fc1.weight",
  "mlp.act_fn.alpha_p": "mlp.activation_func.alpha_p",
  "mlp.act_fn.alpha_n": "mlp.activation_func.alpha_n",
  "mlp.down_proj.weight": "mlp.linear_fc2.weight",
};

function fusedRows({ heads, kvHeads, headDim }: ModelConfig, layer: string): RowRange[] {
  const queryRows = (heads / kvHeads) * headDim;
  return Array.from({ length: kvHeads }, (_, group) => [
    { name: `${layer}.self_attn.q_proj.weight`, start: group * queryRows, end: (group + 1) * queryRows },
    { name: `${layer}.self_attn.k_proj.weight`, start: group * headDim, end: (group + 1) * headDim },
    { name: `${layer}.self_attn.v_proj.weight`, start: group * headDim, end: (group + 1) * headDim },
  ]).flat();
}

/** The tensors of a Megatron checkpoint of this model without model parallelism, in the order of the network. */
export function megatronTensors(config: ModelConfig): MegatronTensor[] {
  return parameterSpecs(config).flatMap(({ name, shape }): MegatronTensor[] => {
    const [, layer, number, part] = /^(model\.layers\.(\d+))\.(.+)$/.exec(name) ?? [];
    const whole = [{ name, start: 0, end: shape[0]! }];
    if (part === undefined) return [{ name: MODEL[name]!, shape, parts: whole }];
    const prefix = `decoder.layers.${number}`;
    if (part === "self_attn.q_proj.weight") {
      const rows = (config.heads + 2 * config.kvHeads) * config.headDim;
      return [
        {
          name: `${prefix}.self_attention.linear_qkv.weight`,
          shape: [rows, config.hiddenSize],
          parts: fusedRows(config, layer!),
        },
      ];
    }
    const known = LAYER[part];
    return known === undefined ? [] : [{ name: `${prefix}.${known}`, shape, parts: whole }];
  });
}
