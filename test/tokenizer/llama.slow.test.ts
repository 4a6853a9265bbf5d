/**
 * @file Against llama.cpp: the published test vectors of its vocabularies (Hugging Face's ids), the chat template of
 * Apertus-8B-Instruct that it carries, and its own tokenisation of our GGUF.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Template } from "@huggingface/jinja";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeJsonAtomic, writeSafetensors } from "../../src/artifacts/index.ts";
import { type LlamaModel, openLlamaModel } from "../../src/generate/index.ts";
import { parameterSpecs, toHfConfig } from "../../src/model/index.ts";
import { writeApertusGguf } from "../../src/release/index.ts";
import type { ChatTool, ToolSchema } from "../../src/tokenizer/chat-messages.ts";
import { chatTemplate } from "../../src/tokenizer/chat-template.ts";
import { GPT2_PATTERN, parseTokenizerJson } from "../../src/tokenizer/tokenizer-json.ts";
import { saveTokenizer } from "../../src/tokenizer/tokenizer-files.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { TINY, tinyWeights } from "../release/tiny-model.ts";
import { chatOptions, conversation } from "./conversations.ts";
import { LLAMA3_PATTERN, nastyText, QWEN_PATTERN, realTexts, trainedPair } from "./judge.ts";
import { ggufTokenizerJson, type LlamaFiles, openLlamaFiles } from "./llama-bundle.ts";

let files: LlamaFiles;
beforeAll(async () => {
  files = await openLlamaFiles();
});
afterAll(async () => {
  await files?.close();
});

const DIGIT = String.raw`\p{N}`;
const QWEN35_PATTERN = QWEN_PATTERN.replaceAll(String.raw`?\p{L}+`, String.raw`?[\p{L}\p{M}]+`).replace(
  String.raw`[^\s\p{L}\p{N}]+[\r\n]*`,
  String.raw`[^\s\p{L}\p{M}\p{N}]+[\r\n]*`,
);

it.each<[string, Parameters<typeof ggufTokenizerJson>[1]]>([
  ["gpt-2", { patterns: [GPT2_PATTERN] }],
  ["llama-bpe", { patterns: [LLAMA3_PATTERN], ignoreMerges: true }],
  ["qwen2", { patterns: [QWEN_PATTERN], normalizer: "NFC" }],
  ["qwen35", { patterns: [QWEN35_PATTERN] }],
  ["command-r", { patterns: [DIGIT, GPT2_PATTERN], normalizer: "NFC" }],
  ["mpt", { patterns: [GPT2_PATTERN], normalizer: "NFC" }],
  [
    "deepseek-coder",
    { patterns: ["[\r\n]", String.raw`\s?\p{L}+`, String.raw`\s?\p{P}+`, "[一-龥ࠀ-一가-퟿]+", DIGIT] },
  ],
])("gives the published ids with the vocabulary of %s", async (name, rule) => {
  const path = `models/ggml-vocab-${name}.gguf`;
  const json = await ggufTokenizerJson(await files.read(path), rule);
  const tokenizer = new Tokenizer(parseTokenizerJson(json));
  const texts = (await files.read(`${path}.inp`)).toString().split("\n__ggml_vocab_test__\n").slice(0, -1);
  const lines = (await files.read(`${path}.out`)).toString().split("\n");
  expect(texts.length).toBeGreaterThan(40);
  for (const [i, text] of texts.entries())
    expect(tokenizer.encode(text, { allowSpecial: true }).join(" ")).toBe(lines[i]!.trim());
});

/** Wrapped, described, and without the defaults that the original prints as its language's objects or not at all. */
function asOriginal(tool: ChatTool): unknown {
  const printable = ({ default: value, ...field }: ToolSchema): ToolSchema =>
    value === undefined || (typeof value !== "string" && (field.enum ?? field.oneOf) !== undefined)
      ? field
      : { ...field, default: value };
  const properties = Object.entries(tool.parameters?.properties ?? {}).map(
    ([name, field]) => [name, printable(field)] as const,
  );
  const parameters = { ...tool.parameters, properties: Object.fromEntries(properties) };
  return { type: "function", function: { description: "", ...tool, parameters } };
}

describe.each([false, true])("the template of Apertus-8B-Instruct (assistant blocks: %s)", (blocks) => {
  it("renders what ours renders", async () => {
    const original = new Template(
      (await files.read("models/templates/Apertus-8B-Instruct.jinja")).toString(),
    );
    const ours = new Template(chatTemplate("unused"));
    fc.assert(
      fc.property(conversation(blocks), chatOptions, (drawn, options) => {
        const messages = drawn[0]?.role === "system" ? drawn : [{ role: "system", content: "S" }, ...drawn];
        const context = {
          bos_token: "<s>",
          // The original wants the arguments of such calls as objects.
          messages: messages.map((message) =>
            "tool_calls" in message
              ? {
                  ...message,
                  tool_calls: message.tool_calls.map(({ type, function: { name, arguments: text } }) => ({
                    type,
                    function: { name, arguments: { value: JSON.parse(text) as unknown } },
                  })),
                }
              : message,
          ),
          enable_thinking: options.deliberation ?? false,
          tools: (options.tools ?? []).map(asOriginal),
          // Unlike ours it opens a turn for the assistant within the assistant's turn.
          add_generation_prompt: options.addGenerationPrompt === true && messages.at(-1)?.role === "user",
        };
        expect(ours.render(context)).toBe(original.render(context));
      }),
      { numRuns: 20_000 },
    );
  });
});

/**
 * What llama.cpp runs under the name "tekken": it knows letters of two cases in ASCII only, and takes combining marks
 * (\p{M}) for symbols.
 */
const LLAMA_TEKKEN = [
  String.raw`[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))*((?=[\p{L}])([^A-Z]))+`,
  String.raw`[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))+((?=[\p{L}])([^A-Z]))*`,
  String.raw`\p{N}`,
  String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`,
  String.raw`\s*[\r\n]+`,
  String.raw`\s+(?!\S)`,
  String.raw`\s+`,
].join("|");

describe("our GGUF in llama.cpp", () => {
  let dir: string;
  let model: LlamaModel;
  let ours: Tokenizer;
  /** Ours with llama.cpp's rule. */
  let theirs: Tokenizer;
  let texts: string[];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "firn-llama-model-"));
    texts = await realTexts();
    ({ ours } = await trainedPair(texts.filter((_, i) => i % 6 === 0)));
    theirs = new Tokenizer({ ...ours.model, patterns: [LLAMA_TEKKEN] });
    const tokenizerDir = join(dir, "tokenizer");
    await saveTokenizer(ours, tokenizerDir);
    const config = { ...TINY, vocabSize: ours.vocabSize };
    const weights = tinyWeights(config, 1);
    const weightsDir = join(dir, "weights");
    await writeJsonAtomic(join(weightsDir, "config.json"), toHfConfig(config, "float32"));
    await writeSafetensors(
      join(weightsDir, "model.safetensors"),
      parameterSpecs(config).map(({ name, shape }) => ({
        name,
        shape,
        dtype: "F32",
        data: weights.get(name)!,
      })),
    );
    const path = join(dir, "tokens.gguf");
    const about = { name: "tokens", version: "1", description: "test", licence: "MIT", languages: [] };
    await writeApertusGguf({ weightsDir, tokenizerDir, path, type: "F32", about });
    model = await openLlamaModel(path, { name: "tokens", threads: 1, sequences: 1 });
  });
  afterAll(async () => {
    await model?.close();
    await rm(dir, { recursive: true });
  });

  const inLlama = (text: string): string => model.tokenizeText(text, { specialTokens: false }).join();

  it("differs from ours only where its rule cuts elsewhere, on every line of the Declaration", () => {
    let lines = 0;
    let other = 0;
    const unexplained: string[] = [];
    for (const text of texts) {
      for (const line of text.split("\n").filter((one) => one.trim() !== "" && one.length < 2000)) {
        lines += 1;
        const llama = inLlama(line);
        if (llama !== ours.encode(line).join()) other += 1;
        if (llama !== theirs.encode(line).join()) unexplained.push(line);
      }
    }
    console.info(
      `llama.cpp: other ids for ${other} of ${lines} lines; ${unexplained.length} not by its rule`,
    );
    expect(unexplained.slice(0, 5)).toEqual([]);
    expect(other / lines).toBeLessThan(0.05);
  });

  it("differs from ours only where its rule cuts elsewhere, on nasty strings", () => {
    let other = 0;
    let strings = 0;
    fc.assert(
      fc.property(nastyText, (text) => {
        const llama = inLlama(text);
        strings += 1;
        if (llama !== ours.encode(text).join()) other += 1;
        expect(llama).toBe(theirs.encode(text).join());
      }),
      { numRuns: 20_000 },
    );
    console.info(`llama.cpp: other ids for ${other} of ${strings} nasty strings`);
  });
});
