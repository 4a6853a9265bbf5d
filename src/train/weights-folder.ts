/** @file The weights artifact: a Hugging Face folder (config.json, model.safetensors in fp32) and optimizer state. */
import { join } from "node:path";
import { assert } from "../core/index.ts";
import {
  SafetensorsFile,
  TensorFolder,
  type TensorSource,
  WEIGHTS_FILE,
  writeJsonAtomic,
  writeSafetensors,
} from "../artifacts/index.ts";
import {
  checkTensors,
  graphParameters,
  type ModelConfig,
  parameterSpecs,
  readModelConfig,
  toHfConfig,
  type Weights,
} from "../model/index.ts";

/** Weights under their checkpoint names, ready for `writeSafetensors`. */
export function weightTensors(config: ModelConfig, weights: Weights): TensorSource[] {
  return parameterSpecs(config).map(({ name, shape }) => ({
    name,
    dtype: "F32",
    shape,
    data: weights.get(name)!,
  }));
}

/** What the optimizer keeps, ready for `writeSafetensors`. */
export function stateTensors(config: ModelConfig, state: Weights): TensorSource[] {
  const shapes = new Map(graphParameters(config).map(({ name, shape }) => [name, shape]));
  return [...state].map(([name, data]) => {
    const shape = shapes.get(name.slice(0, name.lastIndexOf(".")));
    assert(shape !== undefined, `the state ${name} belongs to no parameter`);
    return { name, dtype: "F32", shape, data };
  });
}

/** Every tensor of a safetensors file as float32. */
export async function readTensors(path: string): Promise<Map<string, Float32Array>> {
  const file = await SafetensorsFile.open(path);
  try {
    const tensors = new Map<string, Float32Array>();
    for (const name of file.tensors.keys()) {
      const data = await file.tensor(name);
      if (data instanceof Float32Array) tensors.set(name, data);
    }
    return tensors;
  } finally {
    await file.close();
  }
}

/** Writes `config.json` and `model.safetensors` into `dir`. */
export async function writeWeights(dir: string, config: ModelConfig, weights: Weights): Promise<void> {
  await writeJsonAtomic(join(dir, "config.json"), toHfConfig(config, "float32"));
  await writeSafetensors(join(dir, WEIGHTS_FILE), weightTensors(config, weights));
}

/**
 * Reads a folder that `writeWeights` wrote, or any Apertus-shaped Hugging Face folder, in one file or in shards, as float32.
 *
 * @throws FirnError `MODEL_CONFIG_UNREADABLE`, `MODEL_HF_CONFIG`, `MODEL_WEIGHTS_MISMATCH`, `ARTIFACT_SAFETENSORS_…`
 */
export async function readWeights(
  dir: string,
): Promise<{ config: ModelConfig; weights: Map<string, Float32Array> }> {
  const config = await readModelConfig(dir);
  const folder = await TensorFolder.open(dir);
  try {
    checkTensors(config, folder.tensors, dir);
    const weights = new Map<string, Float32Array>();
    for (const { name, shape } of parameterSpecs(config)) weights.set(name, await folder.floats(name, shape));
    return { config, weights };
  } finally {
    await folder.close();
  }
}
