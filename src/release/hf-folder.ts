/**
 * @file The part of a release that transformers and vLLM load: configuration, weights with Hugging Face names, and
 * the tokenizer's files. xIELU's constants stand among the weights because `ApertusForCausalLM` declares them as
 * buffers. Source: transformers `activations.py` (`XIELUActivation`).
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TensorSource, writeFileAtomic, writeJsonAtomic, writeSafetensors } from "../artifacts/index.ts";
import { FirnError, systemErrorCode } from "../core/index.ts";
import {
  parameterSpecs,
  toHfConfig,
  toHfGenerationConfig,
  type WeightsDtype,
  XIELU_BETA,
  XIELU_EPS,
} from "../model/index.ts";
import type { WeightsFolder } from "./weights-folder.ts";

/** A tokenizer's files; the first is required. */
const TOKENIZER_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
] as const;

/** Copies the tokenizer of `tokenizerDir`. Throws `RELEASE_TOKENIZER` when it has no `tokenizer.json`. */
async function copyTokenizer(tokenizerDir: string, dir: string): Promise<void> {
  for (const name of TOKENIZER_FILES) {
    let content: Buffer;
    try {
      content = await readFile(join(tokenizerDir, name));
    } catch (cause) {
      if (systemErrorCode(cause) === "ENOENT" && name !== "tokenizer.json") continue;
      throw new FirnError("RELEASE_TOKENIZER", {
        expected: `a tokenizer folder with ${name}`,
        got: systemErrorCode(cause) ?? "an unreadable file",
        where: join(tokenizerDir, name),
        next: "Give the folder of the tokenizer that the model was trained with.",
        cause,
      });
    }
    await writeFileAtomic(join(dir, name), content);
  }
}

/** Writes `config.json`, `generation_config.json`, `model.safetensors` and the tokenizer's files into `dir`. */
export async function writeHfFolder(options: {
  readonly weights: WeightsFolder;
  readonly tokenizerDir: string;
  readonly dir: string;
  readonly dtype: WeightsDtype;
}): Promise<void> {
  const { weights, tokenizerDir, dir, dtype } = options;
  const { config } = weights;
  await writeJsonAtomic(join(dir, "config.json"), toHfConfig(config, dtype));
  await writeJsonAtomic(join(dir, "generation_config.json"), toHfGenerationConfig(config));
  const stored = dtype === "bfloat16" ? "BF16" : "F32";
  const tensors: TensorSource[] = [];
  for (const { name, shape } of parameterSpecs(config)) {
    tensors.push({ name, shape, dtype: stored, data: () => weights.tensors.floats(name, shape) });
  }
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `model.layers.${layer}.mlp.act_fn`;
    tensors.push(
      { name: `${prefix}.beta`, shape: [], dtype: stored, data: Float32Array.of(XIELU_BETA) },
      { name: `${prefix}.eps`, shape: [], dtype: stored, data: Float32Array.of(XIELU_EPS) },
    );
  }
  await writeSafetensors(join(dir, "model.safetensors"), tensors);
  await copyTokenizer(tokenizerDir, dir);
}
