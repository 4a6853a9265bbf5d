/**
 * @file The part of a release that transformers and vLLM load: configuration, weights with Hugging Face names, and
 * the tokenizer's files. xIELU's constants stand among the weights because `ApertusForCausalLM` declares them as
 * buffers. Source: transformers `activations.py` (`XIELUActivation`).
 */
import { join } from "node:path";
import { type TensorSource, writeJsonAtomic, writeSafetensorsFolder } from "../../artifacts/index.ts";
import {
  parameterCount,
  parameterSpecs,
  toHfConfig,
  toHfGenerationConfig,
  type WeightsDtype,
  XIELU_BETA,
  XIELU_EPS,
} from "../../model/index.ts";
import { copyTokenizer } from "./copy-tokenizer.ts";
import type { WeightsFolder } from "./weights-folder.ts";

const STORED = { float32: "F32", float16: "F16", bfloat16: "BF16" } as const satisfies Record<
  WeightsDtype,
  string
>;

/** transformers' own limit of a file (`save_pretrained`, version 4). */
const SHARD_BYTES = 5_000_000_000;

/** The tensors of a layer in the order in which transformers has them, on which depends what goes into which shard. */
const LAYER_ORDER = [
  ...["q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm"].map((name) => `self_attn.${name}.weight`),
  ...["up_proj.weight", "down_proj.weight"].map((name) => `mlp.${name}`),
  ...["alpha_p", "alpha_n", "beta", "eps"].map((name) => `mlp.act_fn.${name}`),
  "attention_layernorm.weight",
  "feedforward_layernorm.weight",
];

function inModuleOrder(tensors: readonly TensorSource[]): TensorSource[] {
  const place = ({ name }: TensorSource): number => {
    const layer = /^model\.layers\.(\d+)\.(.+)$/.exec(name);
    if (layer !== null) return (Number(layer[1]) + 1) * LAYER_ORDER.length + LAYER_ORDER.indexOf(layer[2]!);
    return name === "model.embed_tokens.weight" ? 0 : Number.POSITIVE_INFINITY;
  };
  // Stable, so that the norm and the output layer stay last in their order.
  return tensors.toSorted((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
}

/** The parameters, as they are where they have the wanted format already, and xIELU's constants. */
function hfTensors({ config, tensors: from }: WeightsFolder, dtype: WeightsDtype): TensorSource[] {
  const stored = STORED[dtype];
  const tensors: TensorSource[] = [];
  for (const { name, shape } of parameterSpecs(config)) {
    const asItIs = from.info(name).dtype === stored;
    tensors.push({
      name,
      shape,
      dtype: stored,
      data: () => (asItIs ? from.bytes(name) : from.pieces(name)),
    });
    if (!name.endsWith("act_fn.alpha_n")) continue;
    const prefix = name.slice(0, -"alpha_n".length);
    tensors.push(
      { name: `${prefix}beta`, shape: [], dtype: stored, data: Float32Array.of(XIELU_BETA) },
      { name: `${prefix}eps`, shape: [], dtype: stored, data: Float32Array.of(XIELU_EPS) },
    );
  }
  return inModuleOrder(tensors);
}

/**
 * Writes `config.json`, `generation_config.json`, the weights and the tokenizer's files into `dir`; weights larger than
 * `shardBytes` (default 5 GB) are cut into shards with an index. A few MiB of a tensor are in memory at a time.
 * `onTensor` is told how many parameters are written.
 *
 * @throws FirnError `RELEASE_TOKENIZER`, `ARTIFACT_SAFETENSORS_…`, `DISK_…`
 */
export async function writeHfFolder(options: {
  readonly weights: WeightsFolder;
  /** Left out for weights without a tokenizer. */
  readonly tokenizerDir: string | undefined;
  readonly dir: string;
  readonly dtype: WeightsDtype;
  readonly shardBytes?: number;
  readonly onTensor?: (parameters: number) => void;
}): Promise<void> {
  const { weights, tokenizerDir, dir, dtype } = options;
  const { config } = weights;
  await writeJsonAtomic(join(dir, "config.json"), toHfConfig(config, dtype));
  await writeJsonAtomic(join(dir, "generation_config.json"), toHfGenerationConfig(config));
  let parameters = 0;
  await writeSafetensorsFolder(dir, hfTensors(weights, dtype), {
    shardBytes: options.shardBytes ?? SHARD_BYTES,
    parameters: parameterCount(config),
    onWritten: ({ shape }) => {
      parameters += shape.reduce((product, size) => product * size, 1);
      options.onTensor?.(parameters);
    },
  });
  if (tokenizerDir !== undefined) await copyTokenizer(tokenizerDir, dir);
}
