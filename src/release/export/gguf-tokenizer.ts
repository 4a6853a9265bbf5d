/**
 * @file A byte-level BPE `tokenizer.json` of Apertus kind as GGUF metadata. llama.cpp does not read the splitting
 * expression from the file: it knows a few by name, and a wrong name means silently different tokens. So anything
 * but the Apertus expression ("tekken") is refused here.
 * Source: llama.cpp `conversion/base.py` (`get_vocab_base`, `_set_vocab_gpt2`) and `src/llama-vocab.cpp`.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FirnError, systemErrorCode } from "../../core/index.ts";
import type { ModelConfig } from "../../model/index.ts";
import type { GgufValue } from "./gguf.ts";

/** The pre-tokenisation expression of Mistral's tekken and of Apertus (tokenizer.json, `pre_tokenizer`). */
const TEKKEN_PATTERN =
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+" +
  "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*" +
  "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** llama.cpp's `llama_token_type`. */
const TOKEN_TYPE = { normal: 1, control: 3, userDefined: 4, unused: 5 } as const;

const tokenizerSchema = z.object({
  model: z.object({
    type: z.literal("BPE"),
    vocab: z.record(z.string(), z.number().int().nonnegative()),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
    ignore_merges: z.boolean().default(false),
    byte_fallback: z.boolean().nullish(),
  }),
  normalizer: z.unknown().optional(),
  pre_tokenizer: z.unknown(),
  added_tokens: z
    .array(z.object({ id: z.number().int().nonnegative(), content: z.string(), special: z.boolean() }))
    .default([]),
});
type TokenizerJson = z.infer<typeof tokenizerSchema>;

function unsuitable(where: string, expected: string, got: string, cause?: unknown): FirnError {
  return new FirnError("RELEASE_TOKENIZER", {
    expected,
    got,
    where,
    next: "Only byte-level BPE tokenizers with the Apertus pre-tokenisation can be put into a GGUF.",
    cause,
  });
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function readTokenizer(path: string): Promise<TokenizerJson> {
  const text = await readText(path);
  if (text === undefined) throw unsuitable(path, "tokenizer.json", "no such file");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw unsuitable(path, "JSON", "something else", error);
  }
  const result = tokenizerSchema.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw unsuitable(path, "a BPE tokenizer", `${issue?.path.join(".")}: ${issue?.message}`, result.error);
  }
  return result.data;
}

/** Every splitting expression in a `pre_tokenizer`, however deeply it is nested in sequences. */
function splitPatterns(preTokenizer: unknown): string[] {
  const sequence = z.object({ pretokenizers: z.array(z.unknown()) }).safeParse(preTokenizer);
  if (sequence.success) return sequence.data.pretokenizers.flatMap(splitPatterns);
  const split = z.object({ pattern: z.object({ Regex: z.string() }) }).safeParse(preTokenizer);
  return split.success ? [split.data.pattern.Regex] : [];
}

function checkSuitable(path: string, tokenizer: TokenizerJson): void {
  const patterns = splitPatterns(tokenizer.pre_tokenizer);
  if (patterns.length !== 1 || patterns[0] !== TEKKEN_PATTERN) {
    throw unsuitable(path, "the Apertus pre-tokenisation expression", patterns.join(" ; ") || "none");
  }
  if (tokenizer.normalizer !== null && tokenizer.normalizer !== undefined) {
    throw unsuitable(path, "no normaliser", "one");
  }
  if (!tokenizer.model.ignore_merges || tokenizer.model.byte_fallback === true) {
    throw unsuitable(path, "ignore_merges without byte_fallback", "other settings");
  }
}

function tokenTable(path: string, tokenizer: TokenizerJson, vocabSize: number) {
  const tokens = Array.from({ length: vocabSize }, (_, id) => `[PAD${id}]`);
  const types = Array.from({ length: vocabSize }, (): number => TOKEN_TYPE.unused);
  const put = (id: number, text: string, type: number): void => {
    if (id >= vocabSize) throw unsuitable(path, `token ids below ${vocabSize}`, `${text} = ${id}`);
    tokens[id] = text;
    types[id] = type;
  };
  for (const [text, id] of Object.entries(tokenizer.model.vocab)) put(id, text, TOKEN_TYPE.normal);
  for (const { id, content, special } of tokenizer.added_tokens) {
    put(id, content, special ? TOKEN_TYPE.control : TOKEN_TYPE.userDefined);
  }
  // llama.cpp refuses two tokens of the same text by ending the process.
  const doubles = vocabSize - new Set(tokens).size;
  if (doubles > 0) throw unsuitable(path, "a different text for every token", `${doubles} doubles`);
  return { tokens, types };
}

/**
 * The `tokenizer.*` metadata of a GGUF for the tokenizer folder `dir`. The model's end tokens become, in their
 * order, end of text, end of turn and end of message, so that llama.cpp stops at each.
 * Throws `RELEASE_TOKENIZER` when llama.cpp would split text differently or ids exceed the vocabulary.
 */
export async function ggufTokenizer(dir: string, config: ModelConfig): Promise<Map<string, GgufValue>> {
  const path = join(dir, "tokenizer.json");
  const tokenizer = await readTokenizer(path);
  checkSuitable(path, tokenizer);
  const { tokens, types } = tokenTable(path, tokenizer, config.vocabSize);
  const merges = tokenizer.model.merges.map((pair) => (typeof pair === "string" ? pair : pair.join(" ")));
  const metadata = new Map<string, GgufValue>([
    ["tokenizer.ggml.model", { type: "string", value: "gpt2" }],
    ["tokenizer.ggml.pre", { type: "string", value: "tekken" }],
    ["tokenizer.ggml.tokens", { type: "strings", value: tokens }],
    ["tokenizer.ggml.token_type", { type: "i32s", value: types }],
    ["tokenizer.ggml.merges", { type: "strings", value: merges }],
    ["tokenizer.ggml.bos_token_id", { type: "u32", value: config.bosId }],
    ["tokenizer.ggml.padding_token_id", { type: "u32", value: config.padId }],
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: true }],
    ["tokenizer.ggml.add_eos_token", { type: "bool", value: false }],
    ["tokenizer.ggml.add_space_prefix", { type: "bool", value: false }],
  ]);
  ["eos", "eot", "eom"].forEach((name, index) => {
    const id = config.eosIds[index];
    if (id !== undefined) metadata.set(`tokenizer.ggml.${name}_token_id`, { type: "u32", value: id });
  });
  const template = await readText(join(dir, "chat_template.jinja"));
  if (template !== undefined) metadata.set("tokenizer.chat_template", { type: "string", value: template });
  return metadata;
}
