/** @file A tiny random Apertus with a byte-level tokenizer, written to disk as the real ones are. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeSafetensors } from "../../src/artifacts/index.ts";
import { randomStream } from "../../src/core/index.ts";
import { APERTUS_8B, type ModelConfig, parameterSpecs, toHfConfig } from "../../src/model/index.ts";

const SPECIAL_TOKENS = 80;
/** Merges of the tiny tokenizer, in order; each is a new token. */
const MERGES = [
  ["t", "h"],
  ["th", "e"],
  ["Ġ", "the"],
  ["e", "r"],
  ["Ġ", "S"],
  ["i", "n"],
  ["Ã", "¼"],
] as const;

export const TINY: ModelConfig = {
  ...APERTUS_8B,
  vocabSize: 400,
  hiddenSize: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  ffnSize: 96,
  contextLength: 512,
  ropeTheta: 500_000,
  eosIds: [2, 68, 72],
};

/** Random weights with every kind of parameter away from its trivial value. */
export function tinyWeights(config: ModelConfig, seed: number): Map<string, Float32Array> {
  return new Map(
    parameterSpecs(config).map(({ name, shape }) => {
      const random = randomStream(seed, name);
      const length = shape.reduce((product, size) => product * size, 1);
      const fanIn = shape.at(-1)!;
      const draw = (): number => {
        if (name.includes("alpha")) return random.normal() * 0.5;
        if (name.includes("norm")) return 1 + random.normal() * 0.2;
        return (random.normal() * 1.5) / Math.sqrt(name.includes("embed") ? 1 : fanIn);
      };
      return [name, Float32Array.from({ length }, draw)];
    }),
  );
}

/** GPT-2's printable stand-ins for the 256 bytes. */
function byteAlphabet(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

/** A `tokenizer.json` of Apertus kind: special block, bytes, a few merges. */
export function tinyTokenizer(): unknown {
  const names: Record<number, string> = {
    0: "<unk>",
    1: "<s>",
    2: "</s>",
    3: "<pad>",
    67: "<|assistant_start|>",
    68: "<|assistant_end|>",
    72: "<|tools_suffix|>",
  };
  const special = Array.from({ length: SPECIAL_TOKENS }, (_, id) => names[id] ?? `<SPECIAL_${id}>`);
  const texts = [...special, ...byteAlphabet(), ...MERGES.map((pair) => pair.join(""))];
  return {
    version: "1.0",
    normalizer: null,
    added_tokens: special.map((content, id) => ({ id, content, special: true, normalized: false })),
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        {
          type: "Split",
          pattern: {
            Regex:
              "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
          },
          behavior: "Isolated",
          invert: false,
        },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(texts.map((text, id) => [text, id])),
      merges: MERGES,
      ignore_merges: true,
      byte_fallback: false,
    },
  };
}

/** Writes weights and tokenizer under `dir`; returns the two folders. */
export async function writeTinyModel(dir: string, config: ModelConfig, seed: number) {
  const weightsDir = join(dir, "weights");
  const tokenizerDir = join(dir, "tokenizer");
  await mkdir(weightsDir, { recursive: true });
  await mkdir(tokenizerDir, { recursive: true });
  const weights = tinyWeights(config, seed);
  await writeSafetensors(
    join(weightsDir, "model.safetensors"),
    parameterSpecs(config).map(({ name, shape }) => ({
      name,
      shape,
      dtype: "F32",
      data: weights.get(name)!,
    })),
  );
  await writeFile(join(weightsDir, "config.json"), JSON.stringify(toHfConfig(config, "float32")));
  await writeFile(join(tokenizerDir, "tokenizer.json"), JSON.stringify(tinyTokenizer()));
  await writeFile(join(tokenizerDir, "chat_template.jinja"), "{{ bos_token }}{{ messages[0].content }}");
  return { weightsDir, tokenizerDir, weights };
}
