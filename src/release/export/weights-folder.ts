/**
 * @file A folder of weights to export: `config.json` beside safetensors (one file or shards) with Hugging Face's tensor
 * names, or a Megatron-LM checkpoint, whose tensors are seen under those names.
 */
import { TensorFolder } from "../../artifacts/index.ts";
import { checkTensors, type DescribedTensor, type ModelConfig, readModelConfig } from "../../model/index.ts";
import { isMegatronFolder, openMegatronFolder } from "../megatron/read-megatron.ts";

/** Tensors by Hugging Face's names, read from disk when asked for. */
export interface WeightTensors {
  readonly tensors: ReadonlyMap<string, DescribedTensor>;
  info(name: string): DescribedTensor;
  /** One tensor as float32; with `shape`, refuses any other shape. */
  floats(name: string, shape?: readonly number[]): Promise<Float32Array>;
  /** One tensor, or the entries `start` to `end` of its first axis, as float32 in pieces of whole rows. */
  pieces(name: string, start?: number, end?: number): AsyncGenerator<Float32Array<ArrayBuffer>, void, void>;
  /** The bytes of a tensor as they stand in the file, in pieces. */
  bytes(name: string): AsyncGenerator<Uint8Array, void, void>;
  close(): Promise<void>;
}

/** An open folder of weights; close `tensors` when done. */
export interface WeightsFolder {
  readonly config: ModelConfig;
  readonly tensors: WeightTensors;
}

/**
 * Opens a weights folder; no weight is read yet.
 *
 * @throws FirnError `MODEL_CONFIG_UNREADABLE`, `MODEL_HF_CONFIG`, `MODEL_WEIGHTS_MISMATCH`, `ARTIFACT_SAFETENSORS_…`,
 *   `RELEASE_MEGATRON`, `RELEASE_TORCH_FILE`
 */
export async function openWeightsFolder(dir: string): Promise<WeightsFolder> {
  if (await isMegatronFolder(dir)) return openMegatronFolder(dir);
  const config = await readModelConfig(dir);
  const tensors = await TensorFolder.open(dir);
  try {
    checkTensors(config, tensors.tensors, dir);
    return { config, tensors };
  } catch (error) {
    await tensors.close();
    throw error;
  }
}
