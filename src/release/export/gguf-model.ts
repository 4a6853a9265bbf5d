/**
 * @file An Apertus model as GGUF for llama.cpp (architecture `apertus`).
 * Source: llama.cpp `src/models/apertus.cpp`, `conversion/llama.py` (`ApertusModel`), `gguf-py/gguf/constants.py`:
 * Q and K rows are not permuted; xIELU's raw scalars go into arrays without the architecture's prefix, ggml applies
 * the softplus; llama3 frequency scaling travels as a tensor of divisors, not as `rope.scaling.*` keys.
 */
import {
  type ModelConfig,
  parameterCount,
  parameterSpecs,
  ropeDivisors,
  XIELU_BETA,
  XIELU_EPS,
} from "../../model/index.ts";
import { type GgufTensor, type GgufValue, tensorBytes, writeGguf } from "./gguf.ts";
import { ggufTokenizer } from "./gguf-tokenizer.ts";
import { fitsBlocks, type GgufTensorType } from "./gguf-types.ts";
import { mediumFormat, quantiserFile } from "./k-quants.ts";
import { openWeightsFolder, type WeightsFolder } from "./weights-folder.ts";

/**
 * Number formats that a file can be asked for, with their `llama_ftype`. `Q4_K` is llama.cpp's mixture Q4_K_M; `Q4_0` keeps
 * the output layer in Q8_0 (as `llama-quantize --output-tensor-type q8_0`): it is where 4 bits hurt most.
 */
const FILE_TYPE = { F32: 0, F16: 1, BF16: 32, Q8_0: 7, Q4_0: 2, Q4_K: 15 } as const;
export type GgufFileType = keyof typeof FILE_TYPE;
export const GGUF_FILE_TYPES = Object.keys(FILE_TYPE) as readonly GgufFileType[];

/** Of `types`, those that cannot be written where llama.cpp's own quantiser is not installed. */
export function unwritableGguf(
  types: readonly GgufFileType[],
  installed = quantiserFile() !== undefined,
): readonly GgufFileType[] {
  return installed ? [] : types.filter((type) => type === "Q4_K");
}

/** What people read about the file before they open it. */
export interface GgufDescription {
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  /** SPDX identifier. */
  readonly licence?: string;
  /** ISO 639 codes. */
  readonly languages: readonly string[];
}

const LAYER_TENSORS: Readonly<Record<string, string>> = {
  "attention_layernorm.weight": "attn_norm",
  "self_attn.q_proj.weight": "attn_q",
  "self_attn.k_proj.weight": "attn_k",
  "self_attn.v_proj.weight": "attn_v",
  "self_attn.o_proj.weight": "attn_output",
  "self_attn.q_norm.weight": "attn_q_norm",
  "self_attn.k_norm.weight": "attn_k_norm",
  "feedforward_layernorm.weight": "ffn_norm",
  "mlp.up_proj.weight": "ffn_up",
  "mlp.down_proj.weight": "ffn_down",
};
const MODEL_TENSORS: Readonly<Record<string, string>> = {
  "model.embed_tokens.weight": "token_embd.weight",
  "model.norm.weight": "output_norm.weight",
  "lm_head.weight": "output.weight",
};

/** llama.cpp's name of a Hugging Face tensor; undefined for xIELU's scalars, which become metadata. */
export function ggufTensorName(name: string): string | undefined {
  const layer = /^model\.layers\.(\d+)\.(.+)$/.exec(name);
  if (layer === null) return MODEL_TENSORS[name];
  const short = LAYER_TENSORS[layer[2]!];
  return short === undefined ? undefined : `blk.${layer[1]}.${short}.weight`;
}

/** "8.05B", "9.41M": the size label of llama.cpp's naming convention. */
function sizeLabel(parameters: number): string {
  const [size, unit] = parameters >= 1e9 ? [1e9, "B"] : parameters >= 1e6 ? [1e6, "M"] : [1e3, "K"];
  return `${(parameters / size).toPrecision(3)}${unit}`;
}

function generalMetadata(
  about: GgufDescription,
  type: GgufFileType,
  parameters: number,
): [string, GgufValue][] {
  const text = (key: string, value: string | undefined): [string, GgufValue][] =>
    value === undefined ? [] : [[`general.${key}`, { type: "string", value }]];
  return [
    ...text("architecture", "apertus"),
    ...text("type", "model"),
    ...text("name", about.name),
    ...text("version", about.version),
    ...text("size_label", sizeLabel(parameters)),
    ...text("license", about.licence),
    ...text("description", about.description),
    ["general.languages", { type: "strings", value: about.languages }],
    ["general.sampling.temp", { type: "f32", value: 0.8 }],
    ["general.sampling.top_p", { type: "f32", value: 0.9 }],
    ["general.quantization_version", { type: "u32", value: 2 }],
    ["general.file_type", { type: "u32", value: FILE_TYPE[type] }],
  ];
}

async function architectureMetadata({ config, tensors }: WeightsFolder): Promise<[string, GgufValue][]> {
  const u32 = (key: string, value: number): [string, GgufValue] => [`apertus.${key}`, { type: "u32", value }];
  const f32 = (key: string, value: number): [string, GgufValue] => [`apertus.${key}`, { type: "f32", value }];
  const perLayer = async (name: string): Promise<number[]> => {
    const values: number[] = [];
    for (let layer = 0; layer < config.layers; layer++) {
      values.push((await tensors.floats(`model.layers.${layer}.mlp.act_fn.${name}`, [1]))[0]!);
    }
    return values;
  };
  const constant = (value: number): number[] => Array.from({ length: config.layers }, () => value);
  return [
    u32("context_length", config.contextLength),
    u32("embedding_length", config.hiddenSize),
    u32("block_count", config.layers),
    u32("feed_forward_length", config.ffnSize),
    u32("attention.head_count", config.heads),
    u32("attention.head_count_kv", config.kvHeads),
    u32("attention.key_length", config.headDim),
    u32("attention.value_length", config.headDim),
    f32("attention.layer_norm_rms_epsilon", config.normEps),
    f32("rope.freq_base", config.ropeTheta),
    u32("rope.dimension_count", config.headDim),
    u32("vocab_size", config.vocabSize),
    ["xielu.alpha_p", { type: "f32s", value: await perLayer("alpha_p") }],
    ["xielu.alpha_n", { type: "f32s", value: await perLayer("alpha_n") }],
    ["xielu.beta", { type: "f32s", value: constant(XIELU_BETA) }],
    ["xielu.eps", { type: "f32s", value: constant(XIELU_EPS) }],
  ];
}

/** Vectors stay float32; matrices whose rows do not divide into blocks fall back to a format that takes them. */
function storedType(
  type: GgufFileType,
  name: string,
  shape: readonly number[],
  layers: number,
): GgufTensorType {
  if (shape.length < 2) return "F32";
  const wanted = type === "Q4_K" ? mediumFormat(name, layers) : type;
  const choices: GgufTensorType[] = [
    type === "Q4_0" && name === "output.weight" ? "Q8_0" : wanted,
    "Q8_0",
    "F16",
  ];
  return choices.find((choice) => fitsBlocks(choice, shape.at(-1)!))!;
}

/** Bytes of the tensors in a file of this type; the header adds a few MB for the vocabulary. */
export function ggufBytes(config: ModelConfig, type: GgufFileType): number {
  return parameterSpecs(config).reduce((sum, { name, shape }) => {
    const ggufName = ggufTensorName(name);
    if (ggufName === undefined) return sum;
    return sum + tensorBytes({ type: storedType(type, ggufName, shape, config.layers), shape });
  }, 0);
}

function modelTensors({ config, tensors }: WeightsFolder, type: GgufFileType): GgufTensor[] {
  const list: GgufTensor[] = [];
  if (config.ropeScaling !== null) {
    const divisors = ropeDivisors(config.headDim, config.ropeTheta, config.ropeScaling);
    list.push({
      name: "rope_freqs.weight",
      type: "F32",
      shape: [divisors.length],
      data: () => Float32Array.from(divisors),
    });
  }
  for (const { name, shape } of parameterSpecs(config)) {
    const ggufName = ggufTensorName(name);
    if (ggufName === undefined) continue;
    const stored = storedType(type, ggufName, shape, config.layers);
    const asItIs = tensors.info(name).dtype === stored;
    list.push({
      name: ggufName,
      type: stored,
      shape,
      data: () => (asItIs ? tensors.bytes(name) : tensors.pieces(name)),
    });
  }
  return list;
}

/**
 * Writes the model in `weightsDir` with the tokenizer in `tokenizerDir` as one GGUF file, tensor by tensor, in a few MiB of
 * memory. Deterministic. `onBytes` is told how many bytes of the tensors are written, and how many there are.
 *
 * @throws FirnError `MODEL_CONFIG_UNREADABLE`, `MODEL_HF_CONFIG`, `MODEL_WEIGHTS_MISMATCH`, `RELEASE_TOKENIZER`,
 *   `RELEASE_NOT_FINITE`, `RELEASE_QUANTISER`, `ARTIFACT_SAFETENSORS_…`, `DISK_…`
 */
export async function writeApertusGguf(options: {
  readonly weightsDir: string;
  readonly tokenizerDir: string;
  readonly path: string;
  readonly type: GgufFileType;
  readonly about: GgufDescription;
  readonly onBytes?: (done: number, total: number) => void;
}): Promise<void> {
  const folder = await openWeightsFolder(options.weightsDir);
  try {
    const { config } = folder;
    const metadata = new Map<string, GgufValue>([
      ...generalMetadata(options.about, options.type, parameterCount(config)),
      ...(await architectureMetadata(folder)),
      ...(await ggufTokenizer(options.tokenizerDir, config)),
    ]);
    const tensors = modelTensors(folder, options.type);
    const total = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
    await writeGguf(options.path, metadata, tensors, (bytes) =>
      options.onBytes?.(Math.min(bytes, total), total),
    );
  } finally {
    await folder.tensors.close();
  }
}
