/** @file A folder of weights as Firn keeps them: `config.json` beside `model.safetensors` with Hugging Face names. */
import { join } from "node:path";
import { SafetensorsFile } from "../artifacts/index.ts";
import { type ModelConfig, readModelConfig } from "../model/index.ts";

/** An open folder of weights; close `tensors` when done. */
export interface WeightsFolder {
  readonly config: ModelConfig;
  readonly tensors: SafetensorsFile;
}

/** Opens a weights folder. Throws `MODEL_CONFIG_UNREADABLE`, `MODEL_HF_CONFIG` or `ARTIFACT_SAFETENSORS_…`. */
export async function openWeightsFolder(dir: string): Promise<WeightsFolder> {
  const config = await readModelConfig(dir);
  return { config, tensors: await SafetensorsFile.open(join(dir, "model.safetensors")) };
}
