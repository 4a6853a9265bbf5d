/**
 * @file The weights in a Megatron-LM checkpoint of its `torch` format, under Hugging Face's names: the way back from a
 * training run. Numbers are read from the file when asked for; the pickle in it runs nothing.
 * Source: NVIDIA/Megatron-LM `megatron/training/checkpointing.py`; swiss-ai/Megatron-LM `tools/checkpoint`.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { bfloat16ToFloat32, ELEMENT_BYTES, float16ToFloat32 } from "../../artifacts/index.ts";
import { describeError, FirnError, systemErrorCode } from "../../core/index.ts";
import { type DescribedTensor, fromHfConfig, type ModelConfig, parameterSpecs } from "../../model/index.ts";
import type { WeightTensors } from "../export/weights-folder.ts";
import { megatronTensors } from "./names.ts";
import { PersistentId, type Pickle, PickleGlobal, PickleObject, PickleTuple } from "./pickle.ts";
import { TorchFile } from "./torch-file.ts";
import { CONFIG_ENTRY, paddedVocabulary, RANK_FILE, RELEASE, TRACKER_FILE } from "./write-megatron.ts";

const PIECE_ELEMENTS = 1 << 20;

type Dtype = "F32" | "F16" | "BF16";
const DTYPE: Readonly<Record<string, Dtype>> = {
  "torch.FloatStorage": "F32",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
};

/** Names of upstream Megatron-LM, whose Transformer Engine layers hold the norm before them. */
const UPSTREAM: readonly (readonly [string, string])[] = [
  ["input_layernorm.weight", "self_attention.linear_qkv.layer_norm_weight"],
  ["pre_mlp_layernorm.weight", "mlp.linear_fc1.layer_norm_weight"],
];

function refuse(where: string, expected: string, got: string, next?: string, cause?: unknown): FirnError {
  return new FirnError("RELEASE_MEGATRON", {
    expected,
    got,
    where,
    next:
      next ??
      "Save the checkpoint with --ckpt-format torch and without tensor or pipeline parallelism (Megatron's tools/checkpoint/convert.py).",
    cause,
  });
}

/** True if `dir` is the folder that `--save` was given. */
export async function isMegatronFolder(dir: string): Promise<boolean> {
  try {
    return (await stat(join(dir, TRACKER_FILE))).isFile();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ENOTDIR") return false;
    throw error;
  }
}

/** The only file of the newest checkpoint in `dir`. */
async function rankFile(dir: string): Promise<string> {
  const tracker = join(dir, TRACKER_FILE);
  const said = (await readFile(tracker, "utf8")).trim();
  if (said !== RELEASE && !/^\d{1,10}$/.test(said))
    throw refuse(tracker, "a step, or `release`", said.slice(0, 50));
  const folder = join(dir, said === RELEASE ? RELEASE : `iter_${said.padStart(7, "0")}`);
  const names = await readdir(folder).catch((cause: unknown) => {
    throw refuse(folder, "the folder of a checkpoint", describeError(cause), undefined, cause);
  });
  if (names.includes(".metadata") || names.includes("metadata.json"))
    throw refuse(folder, "a checkpoint of format torch", "one of format torch_dist");
  const ranks = names.filter((name) => name.startsWith("mp_rank_"));
  if (ranks.length !== 1) throw refuse(folder, "the file of one rank", `${ranks.length} ranks`);
  return join(folder, RANK_FILE);
}

const count = z.number().int().positive();
/** `args`: what every Apertus run has, with the fork's constants where a checkpoint keeps none. */
const argumentsSchema = z.object({
  num_layers: count,
  hidden_size: count,
  ffn_hidden_size: count,
  num_attention_heads: count,
  num_query_groups: count.nullish(),
  kv_channels: count.nullish(),
  max_position_embeddings: count,
  rotary_base: z.number().positive(),
  use_rope_scaling: z.boolean().default(false),
  rope_scaling_factor: z.number().positive().default(8),
  norm_epsilon: z.number().positive().default(1e-5),
  init_method_std: z.number().positive().default(0.02),
  vocab_size: count.nullish(),
  padded_vocab_size: count,
  xielu: z.literal(true),
  qk_layernorm: z.literal(true),
  normalization: z.literal("RMSNorm"),
  untie_embeddings_and_output_weights: z.literal(true),
  add_bias_linear: z.literal(false),
});

function stateOf(value: Pickle | undefined): Record<string, unknown> {
  const state = value instanceof PickleObject ? value.state : undefined;
  return state instanceof Map ? Object.fromEntries(state as Map<string, Pickle>) : {};
}

/** The model by the run's arguments; special tokens are Apertus', which Megatron does not keep. */
function configOf(root: ReadonlyMap<Pickle, Pickle>, where: string): ModelConfig {
  const own = root.get(CONFIG_ENTRY);
  if (typeof own === "string") {
    try {
      return fromHfConfig(JSON.parse(own), where);
    } catch (error) {
      if (error instanceof FirnError) throw error;
      throw refuse(where, "JSON in firn_config", describeError(error), undefined, error);
    }
  }
  const parsed = argumentsSchema.safeParse(stateOf(root.get("args")));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw refuse(where, "the arguments of an Apertus run", `${issue?.path.join(".")}: ${issue?.message}`);
  }
  const args = parsed.data;
  return {
    vocabSize: args.vocab_size ?? args.padded_vocab_size,
    hiddenSize: args.hidden_size,
    layers: args.num_layers,
    heads: args.num_attention_heads,
    kvHeads: args.num_query_groups ?? args.num_attention_heads,
    headDim: args.kv_channels ?? args.hidden_size / args.num_attention_heads,
    ffnSize: args.ffn_hidden_size,
    contextLength: args.max_position_embeddings,
    ropeTheta: args.rotary_base,
    ropeScaling: args.use_rope_scaling
      ? { factor: args.rope_scaling_factor, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 8192 }
      : null,
    normEps: args.norm_epsilon,
    initStd: args.init_method_std,
    bosId: 1,
    eosIds: [2],
    padId: 3,
  };
}

interface Place {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Where the numbers lie in the file. */
  readonly at: number;
}

/** Where a pickled tensor's numbers lie; they must be contiguous. */
async function placeOf(file: TorchFile, name: string, value: Pickle): Promise<Place> {
  const wrong = (got: string): FirnError => refuse(file.path, `a plain tensor ${name}`, got);
  // A parameter is a tensor in a wrapping.
  const inner =
    value instanceof PickleObject && value.global === "torch._utils._rebuild_parameter"
      ? value.args[0]
      : value;
  if (!(inner instanceof PickleObject) || inner.global !== "torch._utils._rebuild_tensor_v2")
    throw wrong("another object");
  const [id, offset, size, stride] = inner.args;
  const storage = id instanceof PersistentId && id.id instanceof PickleTuple ? id.id.items : [];
  const [, kind, key] = storage;
  const dtype = kind instanceof PickleGlobal ? DTYPE[kind.name] : undefined;
  if (dtype === undefined || typeof key !== "string") throw wrong("numbers of another type");
  const numbers = (list: Pickle | undefined): number[] =>
    list instanceof PickleTuple ? list.items.map(Number) : [Number.NaN];
  const shape = numbers(size);
  const contiguous = shape.map((_, axis) =>
    shape.slice(axis + 1).reduce((product, length) => product * length, 1),
  );
  if (!shape.every((length) => Number.isSafeInteger(length) && length > 0))
    throw wrong("an impossible shape");
  if (numbers(stride).join() !== contiguous.join()) throw wrong("numbers that are not in row-major order");
  const { at, bytes } = await file.storage(key);
  const start = Number(offset) * ELEMENT_BYTES[dtype];
  const length = shape.reduce((product, one) => product * one, 1) * ELEMENT_BYTES[dtype];
  if (!(start >= 0 && start + length <= bytes)) throw wrong(`${length} bytes in a storage of ${bytes}`);
  return { dtype, shape, at: at + start };
}

/** A run of bytes in the file that holds entries of a tensor's first axis. */
interface Run {
  readonly start: number;
  readonly at: number;
  readonly bytes: number;
}

interface Assembled extends DescribedTensor {
  readonly dtype: Dtype;
  readonly runs: readonly Run[];
}

/** Takes fused tensors apart and cuts padding off. */
async function assemble(
  file: TorchFile,
  config: ModelConfig,
  model: ReadonlyMap<Pickle, Pickle>,
): Promise<Map<string, Assembled>> {
  const runs = new Map<string, (Run & { dtype: Dtype })[]>();
  const used = new Set<string>();
  for (const { name, shape, parts } of megatronTensors(config)) {
    const upstream = UPSTREAM.map(([ours, theirs]) => name.replace(ours, theirs)).find(
      (other) => other !== name && model.has(other),
    );
    const key = model.has(name) ? name : (upstream ?? name);
    const value = model.get(key);
    if (value === undefined) throw refuse(file.path, `a tensor ${name}`, "none");
    used.add(key);
    const place = await placeOf(file, key, value);
    const padded = [paddedVocabulary(shape[0]!), ...shape.slice(1)];
    if (place.shape.join() !== shape.join() && place.shape.join() !== padded.join())
      throw refuse(file.path, `${key} of shape [${shape.join(", ")}]`, `[${place.shape.join(", ")}]`);
    const rowBytes = ELEMENT_BYTES[place.dtype] * shape.slice(1).reduce((product, size) => product * size, 1);
    let { at } = place;
    for (const part of parts) {
      const bytes = (part.end - part.start) * rowBytes;
      const list = runs.get(part.name) ?? [];
      list.push({ start: part.start, at, bytes, dtype: place.dtype });
      runs.set(part.name, list);
      at += bytes;
    }
  }
  for (const name of model.keys()) {
    if (typeof name === "string" && !used.has(name) && !/_extra_state$|inv_freq$/.test(name))
      throw refuse(file.path, "only the tensors of an Apertus model", name);
  }
  return new Map(
    parameterSpecs(config).map(({ name, shape }) => {
      const list = runs.get(name)!.toSorted((a, b) => a.start - b.start);
      return [name, { dtype: list[0]!.dtype, shape, runs: list }];
    }),
  );
}

class MegatronTensors implements WeightTensors {
  readonly tensors: ReadonlyMap<string, Assembled>;
  readonly #file: TorchFile;

  constructor(file: TorchFile, tensors: ReadonlyMap<string, Assembled>) {
    this.#file = file;
    this.tensors = tensors;
  }

  info(name: string): Assembled {
    const found = this.tensors.get(name);
    if (found === undefined) throw refuse(this.#file.path, `a tensor ${name}`, "none");
    return found;
  }

  async *bytes(
    name: string,
    start = 0,
    end = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    const { dtype, shape, runs } = this.info(name);
    const rowBytes = ELEMENT_BYTES[dtype] * shape.slice(1).reduce((product, size) => product * size, 1);
    const step = rowBytes * Math.max(1, Math.floor(PIECE_ELEMENTS / Math.max(rowBytes, 1)));
    for (const run of runs) {
      const from = Math.max(0, (start - run.start) * rowBytes);
      const to = Math.min(run.bytes, (end - run.start) * rowBytes);
      for (let at = from; at < to; at += step) {
        const piece = await this.#file.read(run.at + at, Math.min(step, to - at));
        // A buffer of its own, so that its numbers begin where numbers may.
        yield new Uint8Array(piece);
      }
    }
  }

  async *pieces(
    name: string,
    start?: number,
    end?: number,
  ): AsyncGenerator<Float32Array<ArrayBuffer>, void, void> {
    const { dtype } = this.info(name);
    for await (const { buffer } of this.bytes(name, start, end)) {
      if (dtype === "F32") yield new Float32Array(buffer);
      else if (dtype === "BF16") yield bfloat16ToFloat32(new Uint16Array(buffer));
      else yield float16ToFloat32(new Uint16Array(buffer));
    }
  }

  async floats(name: string): Promise<Float32Array> {
    const values = new Float32Array(this.info(name).shape.reduce((product, size) => product * size, 1));
    let at = 0;
    for await (const piece of this.pieces(name)) {
      values.set(piece, at);
      at += piece.length;
    }
    return values;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/**
 * Opens the newest checkpoint in the folder that `--save` was given; no weight is read yet.
 *
 * @throws FirnError `RELEASE_MEGATRON`, `RELEASE_TORCH_FILE`, `MODEL_HF_CONFIG`
 */
export async function openMegatronFolder(
  dir: string,
): Promise<{ readonly config: ModelConfig; readonly tensors: WeightTensors }> {
  const file = await TorchFile.open(await rankFile(dir));
  try {
    const { root } = file;
    const model = root instanceof Map ? root.get("model") : undefined;
    const entries = model instanceof PickleObject ? model.items : model;
    if (!(root instanceof Map) || !(entries instanceof Map))
      throw refuse(file.path, "a checkpoint with an entry `model`", "another object");
    const config = configOf(root, file.path);
    return { config, tensors: new MegatronTensors(file, await assemble(file, config, entries)) };
  } catch (error) {
    await file.close();
    throw error;
  }
}
