/** @file A folder of weights: `config.json` beside safetensors (one file or shards) with Hugging Face's tensor names. */
import { TensorFolder } from "../../artifacts/index.ts";
import { checkTensors, type ModelConfig, readModelConfig } from "../../model/index.ts";

/** An open folder of weights; close `tensors` when done. */
export interface WeightsFolder {
  readonly config: ModelConfig;
  readonly tensors: TensorFolder;
}

/**
 * Opens a weights folder; no weight is read yet.
 * Throws `MODEL_CONFIG_UNREADABLE`, `MODEL_HF_CONFIG`, `MODEL_WEIGHTS_MISMATCH` or `ARTIFACT_SAFETENSORS_…`.
 */
export async function openWeightsFolder(dir: string): Promise<WeightsFolder> {
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
