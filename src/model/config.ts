/**
 * @file The shape of an Apertus decoder: its configuration, its parameters by their Hugging Face names, and what
 * they count. Source: Apertus technical report §2.1 and Table 1; `ApertusConfig` in Hugging Face transformers.
 */

/** Llama-3 frequency scaling of rotary position embeddings (report App. B; Megatron `_apply_scaling`). */
export interface RopeScaling {
  readonly factor: number;
  readonly lowFreqFactor: number;
  readonly highFreqFactor: number;
  /** Context length the unscaled frequencies were meant for, in tokens. */
  readonly originalContext: number;
}

export interface ModelConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Key/value heads; divides `heads`. */
  readonly kvHeads: number;
  readonly headDim: number;
  /** Width of the (ungated) MLP. */
  readonly ffnSize: number;
  /** Longest sequence in tokens. */
  readonly contextLength: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling | null;
  readonly normEps: number;
  /** Standard deviation of the initial normal weights. */
  readonly initStd: number;
  readonly bosId: number;
  readonly eosIds: readonly number[];
  readonly padId: number;
}

const APERTUS_COMMON = {
  vocabSize: 131072,
  headDim: 128,
  contextLength: 65536,
  ropeTheta: 12_000_000,
  ropeScaling: { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 8192 },
  normEps: 1e-5,
  initStd: 0.008944,
  bosId: 1,
  eosIds: [2],
  padId: 3,
} as const;

/** Apertus-8B as released (technical report Table 1; config.json of swiss-ai/Apertus-8B-2509). */
export const APERTUS_8B: ModelConfig = {
  ...APERTUS_COMMON,
  hiddenSize: 4096,
  layers: 32,
  heads: 32,
  kvHeads: 8,
  ffnSize: 21504,
};

/** Apertus-70B as released. Table 1 of the report prints hidden size 4096; scripts and checkpoints say 8192. */
export const APERTUS_70B: ModelConfig = {
  ...APERTUS_COMMON,
  hiddenSize: 8192,
  layers: 80,
  heads: 64,
  kvHeads: 8,
  ffnSize: 43008,
};

/** One trained tensor, by its Hugging Face name; matrices are stored [out, in]. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Every trained parameter in the order of the network, with Hugging Face's names and shapes. */
export function parameterSpecs(config: ModelConfig): ParameterSpec[] {
  const { hiddenSize, heads, kvHeads, headDim, ffnSize, vocabSize } = config;
  const specs: ParameterSpec[] = [{ name: "model.embed_tokens.weight", shape: [vocabSize, hiddenSize] }];
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    specs.push(
      { name: `${prefix}.attention_layernorm.weight`, shape: [hiddenSize] },
      { name: `${prefix}.self_attn.q_proj.weight`, shape: [heads * headDim, hiddenSize] },
      { name: `${prefix}.self_attn.k_proj.weight`, shape: [kvHeads * headDim, hiddenSize] },
      { name: `${prefix}.self_attn.v_proj.weight`, shape: [kvHeads * headDim, hiddenSize] },
      { name: `${prefix}.self_attn.o_proj.weight`, shape: [hiddenSize, heads * headDim] },
      { name: `${prefix}.self_attn.q_norm.weight`, shape: [headDim] },
      { name: `${prefix}.self_attn.k_norm.weight`, shape: [headDim] },
      { name: `${prefix}.feedforward_layernorm.weight`, shape: [hiddenSize] },
      { name: `${prefix}.mlp.up_proj.weight`, shape: [ffnSize, hiddenSize] },
      { name: `${prefix}.mlp.act_fn.alpha_p`, shape: [1] },
      { name: `${prefix}.mlp.act_fn.alpha_n`, shape: [1] },
      { name: `${prefix}.mlp.down_proj.weight`, shape: [hiddenSize, ffnSize] },
    );
  }
  specs.push(
    { name: "model.norm.weight", shape: [hiddenSize] },
    { name: "lm_head.weight", shape: [vocabSize, hiddenSize] },
  );
  return specs;
}

/** Number of trained parameters. Apertus-8B: 8,053,338,176; Apertus-70B: 70,599,864,480. */
export function parameterCount(config: ModelConfig): number {
  return parameterSpecs(config).reduce(
    (total, { shape }) => total + shape.reduce((product, size) => product * size, 1),
    0,
  );
}
