/** @file A tokenizer's folder, as Hugging Face's libraries expect it: four files, written whole, read checked. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../artifacts/index.ts";
import { describeError, FirnError, sha256, systemErrorCode } from "../core/index.ts";
import { chatTemplate, isSystemText } from "./chat-template.ts";
import { parseTokenizerJson, tokenizerJson } from "./tokenizer-json.ts";
import { Tokenizer } from "./tokenizer.ts";

/** The files of a tokenizer folder. */
export const TOKENIZER_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
] as const;

const configSchema = z.object({
  default_system_text: z.string().max(10_000).refine(isSystemText).optional(),
});

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (systemErrorCode(cause) === "ENOENT") return undefined;
    throw new FirnError("TOKENIZER_FILE", {
      expected: "a readable file",
      got: describeError(cause),
      where: path,
      next: "Check the path and its permissions.",
      cause,
    });
  }
}

function systemTextOf(text: string | undefined, where: string): string | undefined {
  if (text === undefined) return undefined;
  try {
    return configSchema.parse(JSON.parse(text)).default_system_text;
  } catch (cause) {
    throw new FirnError("TOKENIZER_JSON", {
      expected: "a tokenizer_config.json whose default_system_text, if any, is plain text",
      got: describeError(cause).slice(0, 200),
      where,
      next: "Build or fetch the tokenizer again.",
      cause,
    });
  }
}

/** A tokenizer folder as loaded. */
export interface LoadedTokenizer {
  readonly tokenizer: Tokenizer;
  /** SHA-256 of `tokenizer.json`: which tokenizer made a file of tokens. */
  readonly sha256: string;
}

/**
 * Loads the tokenizer of a folder, or a file `….json` (ours, or one of the byte-level BPE family from elsewhere).
 *
 * @throws FirnError `TOKENIZER_FILE` and those of `parseTokenizerJson`
 */
export async function loadTokenizer(place: string): Promise<LoadedTokenizer> {
  const path = place.endsWith(".json") ? place : join(place, "tokenizer.json");
  const text = await readText(path);
  if (text === undefined) {
    throw new FirnError("TOKENIZER_FILE", {
      expected: "a folder with a tokenizer.json",
      got: "no such file",
      where: path,
      next: "Point to a tokenizer or weights folder, or build the tokenizer first.",
    });
  }
  const configPath = join(dirname(path), "tokenizer_config.json");
  const systemText = systemTextOf(await readText(configPath), configPath);
  return { tokenizer: new Tokenizer(parseTokenizerJson(text, path), systemText), sha256: sha256(text) };
}

export interface SaveTokenizerOptions {
  /** Longest sequence the model was made for, if known. */
  readonly modelMaxLength?: number;
  /** The token that ends an answer: `</s>` (default) for base models, `<|assistant_end|>` for chat models. */
  readonly eosToken?: string;
}

/** Writes the four files of `tokenizer` into `dir` and returns the SHA-256 of its `tokenizer.json`. */
export async function saveTokenizer(
  tokenizer: Tokenizer,
  dir: string,
  options: SaveTokenizerOptions = {},
): Promise<string> {
  const special = (content: string): object => ({
    content,
    lstrip: false,
    normalized: false,
    rstrip: false,
    single_word: false,
  });
  const names = {
    bos_token: "<s>",
    eos_token: options.eosToken ?? "</s>",
    pad_token: "<pad>",
    unk_token: "<unk>",
  };
  for (const name of Object.values(names)) tokenizer.idOf(name);
  const text = tokenizerJson(tokenizer.model);
  const config = {
    add_bos_token: true,
    add_eos_token: false,
    add_prefix_space: false,
    ...names,
    clean_up_tokenization_spaces: false,
    default_system_text: tokenizer.systemText,
    ...(options.modelMaxLength === undefined ? {} : { model_max_length: options.modelMaxLength }),
    tokenizer_class: "PreTrainedTokenizerFast",
  };
  const map = Object.fromEntries(Object.entries(names).map(([role, name]) => [role, special(name)]));
  await writeFileAtomic(join(dir, "tokenizer.json"), text);
  await writeFileAtomic(join(dir, "tokenizer_config.json"), `${JSON.stringify(config, null, 2)}\n`);
  await writeFileAtomic(join(dir, "special_tokens_map.json"), `${JSON.stringify(map, null, 2)}\n`);
  await writeFileAtomic(join(dir, "chat_template.jinja"), chatTemplate(tokenizer.systemText));
  return sha256(text);
}
