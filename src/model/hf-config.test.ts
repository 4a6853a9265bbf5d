import { describe, expect, it } from "vitest";
import { APERTUS_70B, APERTUS_8B, type ModelConfig } from "./config.ts";
import { fromHfConfig, toHfConfig, toHfGenerationConfig } from "./hf-config.ts";

/** The keys and values of the released Apertus-8B; initializer_range is that of its training script. */
const RELEASED = {
  architectures: ["ApertusForCausalLM"],
  attention_bias: false,
  attention_dropout: 0,
  bos_token_id: 1,
  eos_token_id: 2,
  hidden_act: "xielu",
  hidden_dropout: 0,
  hidden_size: 4096,
  initializer_range: 0.008944,
  intermediate_size: 21504,
  max_position_embeddings: 65536,
  mlp_bias: false,
  model_type: "apertus",
  num_attention_heads: 32,
  num_hidden_layers: 32,
  num_key_value_heads: 8,
  pad_token_id: 3,
  post_norm: false,
  qk_norm: true,
  rms_norm_eps: 1e-5,
  rope_scaling: {
    factor: 8,
    high_freq_factor: 4,
    low_freq_factor: 1,
    original_max_position_embeddings: 8192,
    rope_type: "llama3",
    type: "llama3",
  },
  rope_theta: 12000000,
  tie_word_embeddings: false,
  torch_dtype: "bfloat16",
  use_cache: true,
  vocab_size: 131072,
};

describe("config.json", () => {
  it("is written with the keys of the released Apertus and read back", () => {
    expect(toHfConfig(APERTUS_8B, "bfloat16")).toEqual(RELEASED);
    expect(fromHfConfig(RELEASED, "config.json")).toEqual(APERTUS_8B);
    expect(fromHfConfig(toHfConfig(APERTUS_70B, "bfloat16"), "x")).toEqual(APERTUS_70B);
  });

  it("keeps several end tokens, unscaled rotations and odd head sizes", () => {
    const config: ModelConfig = { ...APERTUS_8B, headDim: 64, ropeScaling: null, eosIds: [2, 68, 72] };
    expect(fromHfConfig(toHfConfig(config, "float32"), "x")).toEqual(config);
    expect(toHfGenerationConfig(config)).toMatchObject({
      eos_token_id: [2, 68, 72],
      temperature: 0.8,
      top_p: 0.9,
    });
  });

  it("reads the newer nested rope_parameters", () => {
    const { rope_theta, rope_scaling, ...rest } = RELEASED;
    const { type: _, ...scaling } = rope_scaling;
    expect(fromHfConfig({ ...rest, rope_parameters: { rope_theta, ...scaling } }, "x")).toEqual(APERTUS_8B);
  });

  it.each([
    [{ model_type: "llama" }, /model_type/],
    [{ tie_word_embeddings: true }, /tie_word_embeddings/],
    [{ hidden_size: "4096" }, /hidden_size/],
    [{ num_attention_heads: 33 }, /even head dimension/],
    [{ num_key_value_heads: 5 }, /divide the heads/],
    [{ rope_scaling: { rope_type: "yarn", factor: 4 } }, /yarn/],
    [{ rope_theta: undefined }, /rope_theta/],
  ])("refuses %j, naming the key", (change, message) => {
    expect(() => fromHfConfig({ ...RELEASED, ...change }, "folder/config.json")).toThrow(message);
    expect(() => fromHfConfig({ ...RELEASED, ...change }, "folder/config.json")).toThrow(/MODEL_HF_CONFIG/);
  });
});
