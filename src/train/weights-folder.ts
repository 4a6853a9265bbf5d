/** @file The weights artifact: a Hugging Face folder (config.json, model.safetensors in fp32) and optimizer state. */
import { join } from "node:path";
import { SafetensorsFile, type TensorSource, writeJsonAtomic, writeSafetensors } from "../artifacts/index.ts";
import {
  graphParameters,
  type ModelConfig,
  parameterSpecs,
  readModelConfig,
  toHfConfig,
  type Weights,
} from "../model/index.ts";
import { STATE_NAMES } from "./step-graph.ts";

/** Weights under their checkpoint names, ready for `writeSafetensors`. */
export function weightTensors(config: ModelConfig, weights: Weights): TensorSource[] {
  return parameterSpecs(config).map(({ name, shape }) => ({
    name,
    dtype: "F32",
    shape,
    data: weights.get(name)!,
  }));
}

/** The optimizer's moving averages, ready for `writeSafetensors`. */
export function stateTensors(config: ModelConfig, state: Weights): TensorSource[] {
  return graphParameters(config).flatMap(({ name, shape }) =>
    STATE_NAMES.map((key): TensorSource => {
      const full = `${name}.${key}`;
      return { name: full, dtype: "F32", shape, data: state.get(full)! };
    }),
  );
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
  await writeSafetensors(join(dir, "model.safetensors"), weightTensors(config, weights));
}

/** Reads a folder that `writeWeights` wrote, or any Apertus-shaped Hugging Face folder in one file. */
export async function readWeights(
  dir: string,
): Promise<{ config: ModelConfig; weights: Map<string, Float32Array> }> {
  return { config: await readModelConfig(dir), weights: await readTensors(join(dir, "model.safetensors")) };
}
