/** @file A folder of weights as Firn keeps them: `config.json` beside `model.safetensors` with Hugging Face names. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SafetensorsFile } from "../artifacts/index.ts";
import { describeError, FirnError } from "../core/index.ts";
import { fromHfConfig, type ModelConfig } from "../model/index.ts";

/** An open folder of weights; close `tensors` when done. */
export interface WeightsFolder {
  readonly config: ModelConfig;
  readonly tensors: SafetensorsFile;
}

/** Opens a weights folder. Throws `RELEASE_WEIGHTS`, `MODEL_HF_CONFIG` or `ARTIFACT_SAFETENSORS_…`. */
export async function openWeightsFolder(dir: string): Promise<WeightsFolder> {
  const path = join(dir, "config.json");
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new FirnError("RELEASE_WEIGHTS", {
      expected: "a folder of weights with a config.json",
      got: describeError(error),
      where: path,
      next: "Give the folder of a trained model, as `firn build` leaves it under store/weights/.",
      cause: error,
    });
  }
  const config = fromHfConfig(json, path);
  return { config, tensors: await SafetensorsFile.open(join(dir, "model.safetensors")) };
}
