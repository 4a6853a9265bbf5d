/**
 * @file `config.json` of a Hugging Face folder of Apertus shape, both ways. Written with the keys and the spelling
 * of the released Apertus checkpoints; read from those and from the newer form that nests the rotary values.
 * Source: config.json of swiss-ai/Apertus-8B-2509; transformers `configuration_apertus.py`.
 */
import { z } from "zod";
import { FirnError } from "../core/index.ts";
import type { ModelConfig, RopeScaling } from "./config.ts";

/** How the tensors beside a `config.json` are stored. */
export type WeightsDtype = "float32" | "float16" | "bfloat16";

/** The JSON of `config.json` for `config`; `headDim` is written only where it is not hiddenSize / heads. */
export function toHfConfig(config: ModelConfig, dtype: WeightsDtype): Record<string, unknown> {
  const { ropeScaling: scaling, headDim, hiddenSize, heads, eosIds } = config;
  return {
    architectures: ["ApertusForCausalLM"],
    attention_bias: false,
    attention_dropout: 0,
    bos_token_id: config.bosId,
    eos_token_id: eosIds.length === 1 ? eosIds[0] : eosIds,
    ...(headDim * heads === hiddenSize ? {} : { head_dim: headDim }),
    hidden_act: "xielu",
    hidden_dropout: 0,
    hidden_size: hiddenSize,
    initializer_range: config.initStd,
    intermediate_size: config.ffnSize,
    max_position_embeddings: config.contextLength,
    mlp_bias: false,
    model_type: "apertus",
    num_attention_heads: heads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.kvHeads,
    pad_token_id: config.padId,
    post_norm: false,
    qk_norm: true,
    rms_norm_eps: config.normEps,
    rope_scaling:
      scaling === null
        ? null
        : {
            factor: scaling.factor,
            high_freq_factor: scaling.highFreqFactor,
            low_freq_factor: scaling.lowFreqFactor,
            original_max_position_embeddings: scaling.originalContext,
            rope_type: "llama3",
            type: "llama3",
          },
    rope_theta: config.ropeTheta,
    tie_word_embeddings: false,
    torch_dtype: dtype,
    use_cache: true,
    vocab_size: config.vocabSize,
  };
}

/** The JSON of `generation_config.json`: where generation stops, and the sampling of the Apertus model card. */
export function toHfGenerationConfig(config: ModelConfig): Record<string, unknown> {
  return {
    bos_token_id: config.bosId,
    do_sample: true,
    eos_token_id: config.eosIds,
    pad_token_id: config.padId,
    temperature: 0.8,
    top_p: 0.9,
  };
}

const count = z
  .number()
  .int()
  .positive()
  .max(2 ** 31);
const tokenId = z
  .number()
  .int()
  .nonnegative()
  .max(2 ** 31);
const positive = z.number().positive();

const ropeSchema = z.object({
  rope_theta: positive.optional(),
  rope_type: z.string().optional(),
  type: z.string().optional(),
  factor: positive.optional(),
  low_freq_factor: positive.optional(),
  high_freq_factor: positive.optional(),
  original_max_position_embeddings: count.optional(),
});

/** Where Apertus has one fixed choice, anything else is refused rather than silently computed wrongly. */
const configSchema = z.object({
  model_type: z.literal("apertus"),
  hidden_act: z.literal("xielu"),
  attention_bias: z.literal(false).default(false),
  mlp_bias: z.literal(false).default(false),
  qk_norm: z.literal(true).default(true),
  post_norm: z.literal(false).default(false),
  tie_word_embeddings: z.literal(false).default(false),
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.optional(),
  head_dim: count.nullish(),
  max_position_embeddings: count,
  rms_norm_eps: positive,
  initializer_range: positive.default(0.02),
  bos_token_id: tokenId,
  eos_token_id: z.union([tokenId, z.array(tokenId).min(1)]),
  pad_token_id: tokenId,
  rope_theta: positive.optional(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
});

function unsupported(where: string, expected: string, got: string, cause?: unknown): FirnError {
  return new FirnError("MODEL_HF_CONFIG", {
    expected,
    got,
    where,
    next: "Only models of Apertus shape can be read; check that this is the config.json of one.",
    cause,
  });
}

function readScaling(rope: z.infer<typeof ropeSchema> | null | undefined, where: string): RopeScaling | null {
  const type = rope?.rope_type ?? rope?.type ?? "default";
  if (rope === null || rope === undefined || type === "default") return null;
  const {
    factor,
    low_freq_factor: low,
    high_freq_factor: high,
    original_max_position_embeddings: original,
  } = rope;
  if (type !== "llama3") throw unsupported(where, "rotary scaling llama3 or default", type);
  if (factor === undefined || low === undefined || high === undefined || original === undefined) {
    throw unsupported(
      where,
      "factor, low_freq_factor, high_freq_factor and the original length",
      "some of them",
    );
  }
  return { factor, lowFreqFactor: low, highFreqFactor: high, originalContext: original };
}

/**
 * The model that a parsed `config.json` describes; `where` names the file in errors.
 * Throws `MODEL_HF_CONFIG` when it is not of Apertus shape or contradicts itself.
 */
export function fromHfConfig(json: unknown, where: string): ModelConfig {
  const result = configSchema.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0];
    const key = issue?.path.join(".") ?? "";
    throw unsupported(
      where,
      "the configuration of an Apertus model",
      `${key}: ${issue?.message}`,
      result.error,
    );
  }
  const raw = result.data;
  const heads = raw.num_attention_heads;
  const kvHeads = raw.num_key_value_heads ?? heads;
  const headDim = raw.head_dim ?? raw.hidden_size / heads;
  const rope = raw.rope_parameters ?? raw.rope_scaling;
  const ropeTheta = raw.rope_theta ?? rope?.rope_theta;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) {
    throw unsupported(where, "an even head dimension", String(headDim));
  }
  if (heads % kvHeads !== 0)
    throw unsupported(where, "key/value heads that divide the heads", `${heads}/${kvHeads}`);
  if (ropeTheta === undefined) throw unsupported(where, "rope_theta", "nothing");
  return {
    vocabSize: raw.vocab_size,
    hiddenSize: raw.hidden_size,
    layers: raw.num_hidden_layers,
    heads,
    kvHeads,
    headDim,
    ffnSize: raw.intermediate_size,
    contextLength: raw.max_position_embeddings,
    ropeTheta,
    ropeScaling: readScaling(rope, where),
    normEps: raw.rms_norm_eps,
    initStd: raw.initializer_range,
    bosId: raw.bos_token_id,
    eosIds: typeof raw.eos_token_id === "number" ? [raw.eos_token_id] : raw.eos_token_id,
    padId: raw.pad_token_id,
  };
}
