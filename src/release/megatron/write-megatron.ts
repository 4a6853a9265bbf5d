/**
 * @file A model as a Megatron-LM checkpoint in its `torch` format, without model parallelism: what `--ckpt-format torch --load`
 * reads, with the arguments it was made for. Megatron itself turns it into `torch_dist` (`--ckpt-convert-format`).
 * Source: NVIDIA/Megatron-LM `megatron/training/checkpointing.py` (names of files and of the entries).
 */
import { join } from "node:path";
import { float32ToBfloat16, float32ToFloat16, writeFileAtomic } from "../../artifacts/index.ts";
import { type ModelConfig, toHfConfig, type WeightsDtype } from "../../model/index.ts";
import { copyTokenizer } from "../export/copy-tokenizer.ts";
import type { WeightsFolder } from "../export/weights-folder.ts";
import { type MegatronTensor, megatronTensors } from "./names.ts";
import { PersistentId, type Pickle, PickleFloat, PickleGlobal, PickleObject, PickleTuple } from "./pickle.ts";
import { type StorageSource, writeTorchFile } from "./torch-file.ts";

/** Megatron pads vocabularies to a multiple of this (`--make-vocab-size-divisible-by`). */
const VOCAB_MULTIPLE = 128;
export const TRACKER_FILE = "latest_checkpointed_iteration.txt";
/** What the tracker says, and the folder is called, of weights that belong to no step of a run. */
export const RELEASE = "release";
export const RANK_FILE = join("mp_rank_00", "model_optim_rng.pt");
/** Our own entry beside Megatron's, which knows no end tokens: config.json as text. Megatron passes over it. */
export const CONFIG_ENTRY = "firn_config";

const STORAGE: Readonly<
  Record<WeightsDtype, { readonly name: string; readonly dtype: string; readonly width: number }>
> = {
  float32: { name: "torch.FloatStorage", dtype: "F32", width: 4 },
  float16: { name: "torch.HalfStorage", dtype: "F16", width: 2 },
  bfloat16: { name: "torch.BFloat16Storage", dtype: "BF16", width: 2 },
};

export const paddedVocabulary = (vocabSize: number): number =>
  Math.ceil(vocabSize / VOCAB_MULTIPLE) * VOCAB_MULTIPLE;

/** Megatron's arguments for this model, by their names in its namespace. */
function modelArguments(config: ModelConfig, dtype: WeightsDtype): Map<string, Pickle> {
  const { ropeScaling } = config;
  return new Map<string, Pickle>([
    ["num_layers", config.layers],
    ["hidden_size", config.hiddenSize],
    ["ffn_hidden_size", config.ffnSize],
    ["num_attention_heads", config.heads],
    ["group_query_attention", true],
    ["num_query_groups", config.kvHeads],
    ["kv_channels", config.headDim],
    ["seq_length", config.contextLength],
    ["max_position_embeddings", config.contextLength],
    ["position_embedding_type", "rope"],
    ["rotary_base", config.ropeTheta],
    ["rotary_percent", new PickleFloat(1)],
    ["use_rope_scaling", ropeScaling !== null],
    ["rope_scaling_factor", new PickleFloat(ropeScaling?.factor ?? 8)],
    ["normalization", "RMSNorm"],
    ["norm_epsilon", new PickleFloat(config.normEps)],
    ["qk_layernorm", true],
    ["add_bias_linear", false],
    ["add_qkv_bias", false],
    ["swiglu", false],
    ["xielu", true],
    ["untie_embeddings_and_output_weights", true],
    ["attention_dropout", new PickleFloat(0)],
    ["hidden_dropout", new PickleFloat(0)],
    ["init_method_std", new PickleFloat(config.initStd)],
    ["vocab_size", config.vocabSize],
    ["make_vocab_size_divisible_by", VOCAB_MULTIPLE],
    ["padded_vocab_size", paddedVocabulary(config.vocabSize)],
    ["tensor_model_parallel_size", 1],
    ["pipeline_model_parallel_size", 1],
    ["bf16", dtype === "bfloat16"],
    ["fp16", dtype === "float16"],
    ["consumed_train_samples", 0],
    ["skipped_train_samples", 0],
    ["consumed_valid_samples", 0],
  ]);
}

/** The same as words of a command line, with what it takes to load the checkpoint. */
function commandLine(config: ModelConfig, dtype: WeightsDtype): string {
  const { ropeScaling } = config;
  const words: (string | number)[][] = [
    ["--load", "<this folder>"],
    ["--ckpt-format", "torch"],
    ["--finetune"],
    ["--no-load-optim"],
    ["--no-load-rng"],
    ["--tokenizer-type", "HuggingFaceTokenizer"],
    ["--tokenizer-model", "<this folder>"],
    ["--num-layers", config.layers],
    ["--hidden-size", config.hiddenSize],
    ["--ffn-hidden-size", config.ffnSize],
    ["--num-attention-heads", config.heads],
    ["--group-query-attention"],
    ["--num-query-groups", config.kvHeads],
    ["--kv-channels", config.headDim],
    ["--max-position-embeddings", config.contextLength],
    ["--position-embedding-type", "rope"],
    ["--rotary-base", config.ropeTheta],
    ...(ropeScaling === null ? [] : [["--use-rope-scaling"], ["--rope-scaling-factor", ropeScaling.factor]]),
    ["--normalization", "RMSNorm"],
    ["--norm-epsilon", config.normEps],
    ["--qk-layernorm"],
    ["--xielu"],
    ["--disable-bias-linear"],
    ["--untie-embeddings-and-output-weights"],
    ["--make-vocab-size-divisible-by", VOCAB_MULTIPLE],
    ...(dtype === "float32" ? [] : [[dtype === "bfloat16" ? "--bf16" : "--fp16"]]),
  ];
  return `${words.map((word) => word.join(" ")).join(" \\\n")}\n`;
}

interface StoredTensor extends MegatronTensor {
  /** Rows of zeros at the end, to Megatron's multiple. */
  readonly padding: number;
}

function storedTensors(config: ModelConfig): StoredTensor[] {
  const padding = paddedVocabulary(config.vocabSize) - config.vocabSize;
  return megatronTensors(config).map((tensor) => {
    const isVocabulary = /word_embeddings|output_layer/.test(tensor.name);
    const added = isVocabulary ? padding : 0;
    return { ...tensor, shape: [tensor.shape[0]! + added, ...tensor.shape.slice(1)], padding: added };
  });
}

function tensorPickle({ shape }: StoredTensor, index: number, dtype: WeightsDtype): Pickle {
  const numbers = shape.reduce((product, size) => product * size, 1);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const storage = new PickleTuple([
    "storage",
    new PickleGlobal(STORAGE[dtype].name),
    String(index),
    "cpu",
    numbers,
  ]);
  return new PickleObject("torch._utils._rebuild_tensor_v2", [
    new PersistentId(storage),
    0,
    new PickleTuple(shape),
    new PickleTuple(strides),
    false,
    new PickleObject("collections.OrderedDict"),
  ]);
}

function encode(values: Float32Array, dtype: WeightsDtype): Uint8Array {
  const { buffer, byteOffset, byteLength } =
    dtype === "float32"
      ? values
      : dtype === "bfloat16"
        ? float32ToBfloat16(values)
        : float32ToFloat16(values);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function storageOf({ tensors }: WeightsFolder, tensor: StoredTensor, dtype: WeightsDtype): StorageSource {
  const { width } = STORAGE[dtype];
  const rowSize = tensor.shape.slice(1).reduce((product, size) => product * size, 1);
  return async function* () {
    for (const { name, start, end } of tensor.parts) {
      for await (const values of tensors.pieces(name, start, end)) yield encode(values, dtype);
    }
    if (tensor.padding > 0) yield new Uint8Array(tensor.padding * rowSize * width);
  };
}

/**
 * Writes the checkpoint, the tokenizer and `arguments.txt` into `dir`; a few MiB of a tensor are in memory at a time.
 * `onTensor` is told how many parameters are written.
 *
 * @throws FirnError `RELEASE_TOKENIZER`, `ARTIFACT_SAFETENSORS_…`, `DISK_…`
 */
export async function writeMegatronFolder(options: {
  readonly weights: WeightsFolder;
  readonly tokenizerDir: string | undefined;
  readonly dir: string;
  readonly dtype: WeightsDtype;
  readonly onTensor?: (parameters: number) => void;
}): Promise<void> {
  const { weights, tokenizerDir, dir, dtype } = options;
  const { config } = weights;
  const tensors = storedTensors(config);
  const model = new PickleObject("collections.OrderedDict");
  for (const [index, tensor] of tensors.entries())
    model.items.set(tensor.name, tensorPickle(tensor, index, dtype));
  const namespace = new PickleObject("argparse.Namespace");
  namespace.state = modelArguments(config, dtype);
  const root = new Map<Pickle, Pickle>([
    ["args", namespace],
    ["checkpoint_version", new PickleFloat(3)],
    ["iteration", 0],
    ["model", model],
    [CONFIG_ENTRY, JSON.stringify(toHfConfig(config, dtype))],
  ]);
  let parameters = 0;
  await writeTorchFile(
    join(dir, RELEASE, RANK_FILE),
    "model_optim_rng",
    root,
    tensors.map((tensor) => storageOf(weights, tensor, dtype)),
    (index) => {
      const { shape } = tensors[index]!;
      parameters += shape.reduce((product, size) => product * size, 1);
      options.onTensor?.(parameters);
    },
  );
  await writeFileAtomic(join(dir, TRACKER_FILE), RELEASE);
  await writeFileAtomic(join(dir, "arguments.txt"), commandLine(config, dtype));
  if (tokenizerDir !== undefined) await copyTokenizer(tokenizerDir, dir);
}
