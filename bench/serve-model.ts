/** @file A random model of Apertus' shape as a GGUF file with a tokenizer, made once in the system's temporary folder. */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSafetensors } from "../src/artifacts/index.ts";
import {
  APERTUS_8B,
  initialWeights,
  type ModelConfig,
  parameterSpecs,
  toHfConfig,
} from "../src/model/index.ts";
import { writeApertusGguf } from "../src/release/index.ts";
import {
  APERTUS_PATTERN,
  chatTemplate,
  defaultSystemText,
  PieceCounter,
  PreTokenizer,
  saveTokenizer,
  tokenizerFromMerges,
  trainMerges,
} from "../src/tokenizer/index.ts";

export const SIZES = {
  "1B": { hiddenSize: 2048, layers: 16, heads: 32, kvHeads: 8, headDim: 64, ffnSize: 8192 },
  "100M": { hiddenSize: 768, layers: 12, heads: 12, kvHeads: 4, headDim: 64, ffnSize: 3072 },
  "10M": { hiddenSize: 256, layers: 6, heads: 4, kvHeads: 2, headDim: 64, ffnSize: 1024 },
  "1M": { hiddenSize: 64, layers: 2, heads: 4, kvHeads: 2, headDim: 16, ffnSize: 256 },
} as const;
export type Size = keyof typeof SIZES;

const SPECIAL_BLOCK = 1000;
const MERGED_TOKENS = 15_000;
/** The largest model has as many tokens as Apertus: here unused ones stand for words that this text has not got. */
const APERTUS_TOKENS = 131_072;
/** Random logits are nearly the same for all tokens; trained ones are not, and sampling costs accordingly. */
const OUTPUT_SCALE = 12;

async function corpus(): Promise<string> {
  const files = await readdir(join(import.meta.dirname, "../src"), { recursive: true });
  const texts = files.filter((file) => file.endsWith(".ts")).sort();
  return (
    await Promise.all(texts.map((file) => readFile(join(import.meta.dirname, "../src", file), "utf8")))
  ).join("");
}

/** The folder with `model.gguf` (Q8_0) and the tokenizer's files. */
export async function benchModel(size: Size): Promise<string> {
  const dir = join(tmpdir(), `firn-bench-serve-${size}`);
  if (existsSync(join(dir, "model.gguf"))) return dir;
  const partial = `${dir}.partial`;
  await mkdir(partial, { recursive: true });
  const counter = new PieceCounter(new PreTokenizer([APERTUS_PATTERN]));
  counter.add(await corpus());
  const merges = await trainMerges(counter.total(), { tokens: 256 + MERGED_TOKENS, minFrequency: 2 });
  const systemText = defaultSystemText({ name: "Bench" });
  const specialBlock = size === "1B" ? APERTUS_TOKENS - merges.tokens.length : SPECIAL_BLOCK;
  const tokenizer = tokenizerFromMerges(merges, { specialBlock, systemText });
  await saveTokenizer(tokenizer, partial);
  const config: ModelConfig = {
    ...APERTUS_8B,
    ...SIZES[size],
    vocabSize: tokenizer.vocabSize,
    contextLength: 4096,
    ropeTheta: 500_000,
    eosIds: [2, 68, 72],
    initStd: 0.02,
  };
  const weights = initialWeights(config, 1);
  const output = weights.get("lm_head.weight")!;
  // No token ends an answer: special tokens, the unused ones too, are never likely.
  const likely = specialBlock * config.hiddenSize;
  for (let i = likely; i < output.length; i++) output[i]! *= OUTPUT_SCALE;
  await writeSafetensors(
    join(partial, "model.safetensors"),
    parameterSpecs(config).map(({ name, shape }) => ({
      name,
      shape,
      dtype: "F32",
      data: weights.get(name)!,
    })),
  );
  await writeFile(join(partial, "config.json"), JSON.stringify(toHfConfig(config, "float32")));
  await writeFile(join(partial, "chat_template.jinja"), chatTemplate(systemText));
  await writeApertusGguf({
    weightsDir: partial,
    tokenizerDir: partial,
    path: join(partial, "model.gguf"),
    type: "Q8_0",
    about: { name: "bench", version: "1", description: "random", licence: "Apache-2.0", languages: ["en"] },
  });
  await rename(partial, dir);
  return dir;
}
