/** @file The weights artifact: a Hugging Face folder (config.json, model.safetensors in fp32) and optimizer state. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { assert } from "../core/index.ts";
import { SafetensorsFile, type TensorSource, writeJsonAtomic, writeSafetensors } from "../artifacts/index.ts";
import {
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
  await writeSafetensors(join(dir, "model.safetensors"), weightTensors(config, weights));
}

const Shards = z.object({ weight_map: z.record(z.string(), z.string().regex(/^[\w.-]+\.safetensors$/)) });

/** The safetensors files of a folder: one, or the shards that its index names. */
export async function weightsFiles(dir: string): Promise<string[]> {
  const path = join(dir, "model.safetensors.index.json");
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return ["model.safetensors"];
  const { weight_map: map } = Shards.parse(JSON.parse(text));
  return [...new Set(Object.values(map))].sort();
}

/** Reads a folder that `writeWeights` wrote, or any Apertus-shaped Hugging Face folder, in one file or in shards. */
export async function readWeights(
  dir: string,
): Promise<{ config: ModelConfig; weights: Map<string, Float32Array> }> {
  const weights = new Map<string, Float32Array>();
  for (const file of await weightsFiles(dir)) {
    for (const [name, data] of await readTensors(join(dir, file))) weights.set(name, data);
  }
  return { config: await readModelConfig(dir), weights };
}
