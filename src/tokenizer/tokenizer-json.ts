/**
 * @file Hugging Face's `tokenizer.json`, written and read. Reading accepts the byte-level BPE family (Apertus and
 * other tekken files, GPT-2, Llama 3, Qwen, …) and refuses whatever it could not reproduce to the id.
 */
import { z } from "zod";
import { describeError, FirnError, parseJson } from "../core/index.ts";
import { BYTE_CHARACTERS, occursInText } from "./byte-alphabet.ts";
import type { MergeRules } from "./rule-table.ts";
import { PairTable } from "./pair-table.ts";
import type { TokenizerAddedToken, TokenizerModel } from "./tokenizer.ts";

const LARGEST_FILE = 1 << 28;
const LARGEST_VOCABULARY = 1 << 20;
const LONGEST_PIECE = 4096;
/** UTF-16 units of all tokens together: four times the largest published vocabularies, half of what a `TokenTrie` holds. */
const MOST_UNITS = 1 << 23;
/** Of all added tokens, which are looked for with one expression. */
const MOST_ADDED_UNITS = 1 << 22;

/** The rule that GPT-2's pre-tokenizer has built in (`ByteLevel` with `use_regex`). */
export const GPT2_PATTERN = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

const plainObject = z.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "expected an object",
);
const absent = z.union([z.null(), z.literal("")]).optional();

const addedTokenSchema = z.object({
  id: z.int().min(0).max(LARGEST_VOCABULARY),
  content: z.string().min(1).max(LONGEST_PIECE),
  single_word: z.literal(false).optional(),
  lstrip: z.literal(false).optional(),
  rstrip: z.literal(false).optional(),
  normalized: z.boolean().optional(),
  special: z.boolean(),
});

const byteLevelSchema = z.object({
  type: z.literal("ByteLevel"),
  add_prefix_space: z.literal(false),
  use_regex: z.boolean().optional(),
});
const splitSchema = z.object({
  type: z.literal("Split"),
  pattern: z.object({ Regex: z.string() }),
  behavior: z.literal("Isolated"),
  invert: z.literal(false),
});
const digitsSchema = z.object({ type: z.literal("Digits"), individual_digits: z.boolean() });
const preTokenizerSchema = z.union([
  byteLevelSchema,
  z.object({
    type: z.literal("Sequence"),
    pretokenizers: z.array(z.union([splitSchema, digitsSchema, byteLevelSchema])).max(16),
  }),
]);

const nfcSchema = z.object({ type: z.literal("NFC") });
const normalizerSchema = z.union([
  z.null(),
  nfcSchema,
  z.object({ type: z.literal("Sequence"), normalizers: z.array(nfcSchema).max(1) }),
]);

const byteLevelPartSchema = z.object({ type: z.literal("ByteLevel") });
const templateSchema = z.object({
  type: z.literal("TemplateProcessing"),
  single: z
    .array(
      z.union([
        z.object({ SpecialToken: z.object({ id: z.string() }) }),
        z.object({ Sequence: z.object({ id: z.literal("A") }) }),
      ]),
    )
    .max(16),
  special_tokens: z.record(z.string(), z.object({ ids: z.array(z.int().min(0)).max(8) })),
});
const postProcessorSchema = z.union([
  z.null(),
  byteLevelPartSchema,
  templateSchema,
  z.object({
    type: z.literal("Sequence"),
    processors: z.array(z.union([byteLevelPartSchema, templateSchema])).max(4),
  }),
]);

const fileSchema = z.object({
  added_tokens: z.array(addedTokenSchema).max(LARGEST_VOCABULARY).default([]),
  normalizer: normalizerSchema.optional(),
  pre_tokenizer: preTokenizerSchema,
  post_processor: postProcessorSchema.optional(),
  decoder: z.union([
    byteLevelPartSchema,
    z.object({ type: z.literal("Sequence"), decoders: z.array(byteLevelPartSchema).length(1) }),
  ]),
  model: z.object({
    type: z.literal("BPE").optional(),
    dropout: z.union([z.null(), z.literal(0)]).optional(),
    continuing_subword_prefix: absent,
    end_of_word_suffix: absent,
    byte_fallback: z.literal(false).optional(),
    ignore_merges: z.boolean().optional(),
    vocab: plainObject,
    merges: z.array(z.unknown()).max(2 * LARGEST_VOCABULARY - 1),
  }),
});
type TokenizerFile = z.infer<typeof fileSchema>;

const NEXT = "Use a complete tokenizer.json of a byte-level BPE model; fetch it again if it was cut off.";

function vocabularyOf(file: TokenizerFile): string[] {
  const pieces: (string | undefined)[] = [];
  const fail = (got: string): never => {
    throw new FirnError("TOKENIZER_VOCABULARY", {
      expected: `each id from 0 up to the size of the vocabulary exactly once, at most ${LARGEST_VOCABULARY}`,
      got,
      where: "model.vocab and added_tokens",
      next: NEXT,
    });
  };
  let units = 0;
  const put = (id: unknown, piece: string): void => {
    units += piece.length;
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= LARGEST_VOCABULARY) {
      fail(`the id ${String(id)} for ${JSON.stringify(piece.slice(0, 80))}`);
    } else if (piece.length > LONGEST_PIECE) {
      fail(`a token of ${piece.length} characters`);
    } else if (units > MOST_UNITS) {
      fail(`tokens of more than ${MOST_UNITS} characters together`);
    } else if (/\p{Surrogate}/u.test(piece)) {
      fail(`half a character in the token with id ${id}`);
    } else if (pieces[id] !== undefined && pieces[id] !== piece) {
      fail(`${JSON.stringify(pieces[id])} and ${JSON.stringify(piece)} with the same id ${id}`);
    } else {
      pieces[id] = piece;
    }
  };
  for (const [piece, id] of Object.entries(file.model.vocab)) put(id, piece);
  const known = new Set(pieces);
  const addedUnits = file.added_tokens.reduce((sum, { content }) => sum + content.length, 0);
  if (addedUnits > MOST_ADDED_UNITS) fail(`added tokens of ${addedUnits} characters`);
  for (const { id, content } of file.added_tokens) {
    if (known.has(content) && pieces[id] !== content)
      fail(`the added token ${JSON.stringify(content)} with two ids`);
    put(id, content);
    known.add(content);
  }
  for (let id = 0; id < pieces.length; id++) if (pieces[id] === undefined) fail(`no token with id ${id}`);
  return pieces as string[];
}

/** User text must never become a special token, so no rule may make one and no byte may be one. */
function checkSpecial(file: TokenizerFile, { joined }: MergeRules): void {
  const special = new Map(
    file.added_tokens.filter((token) => token.special).map(({ id, content }) => [id, content] as const),
  );
  const made = joined.findIndex((id) => special.has(id));
  const names = new Set(special.values());
  const byte = BYTE_CHARACTERS.find((character) => names.has(character));
  const name = made >= 0 ? special.get(joined[made]!) : byte;
  if (name === undefined) return;
  throw new FirnError("TOKENIZER_MERGES", {
    expected: "special tokens that only their names stand for",
    got: `the special token ${JSON.stringify(name)}, which ordinary text would become`,
    where: made >= 0 ? `model.merges[${made}]` : "added_tokens",
    next: "Anybody could forge that token in a message; declare it as not special, or take the rule out.",
  });
}

function rulesOf(file: TokenizerFile, idOf: ReadonlyMap<string, number>): MergeRules {
  const { merges } = file.model;
  const left = new Int32Array(merges.length);
  const right = new Int32Array(merges.length);
  const joined = new Int32Array(merges.length);
  for (const [rank, merge] of merges.entries()) {
    const parts: unknown = typeof merge === "string" ? merge.split(" ") : merge;
    const [a, b] = Array.isArray(parts) && parts.length === 2 ? (parts as unknown[]) : [];
    const ids =
      typeof a === "string" && typeof b === "string"
        ? [idOf.get(a), idOf.get(b), idOf.get(a + b)]
        : [undefined];
    if (ids.includes(undefined)) {
      throw new FirnError("TOKENIZER_MERGES", {
        expected: "two tokens of the vocabulary whose concatenation is a token too",
        got: JSON.stringify(merge)?.slice(0, 120) ?? typeof merge,
        where: `model.merges[${rank}]`,
        next: NEXT,
      });
    }
    left[rank] = ids[0]!;
    right[rank] = ids[1]!;
    joined[rank] = ids[2]!;
  }
  const rules = { left, right, joined };
  checkSpecial(file, rules);
  return rules;
}

function patternsOf(preTokenizer: TokenizerFile["pre_tokenizer"]): string[] {
  const steps = preTokenizer.type === "Sequence" ? preTokenizer.pretokenizers : [preTokenizer];
  const patterns = steps.flatMap((step) => {
    if (step.type === "Split") return [step.pattern.Regex];
    if (step.type === "Digits") return [step.individual_digits ? String.raw`\p{N}` : String.raw`\p{N}+`];
    return step.use_regex === false ? [] : [GPT2_PATTERN];
  });
  const last = steps.at(-1);
  if (last?.type === "ByteLevel" && steps.filter(({ type }) => type === "ByteLevel").length === 1)
    return patterns;
  throw new FirnError("TOKENIZER_UNSUPPORTED", {
    expected: "pre-tokenisation that ends with one ByteLevel step",
    got: steps.map(({ type }) => type).join(", ") || "no step",
    where: "pre_tokenizer",
    next: "Load this tokenizer with the library it was made for.",
  });
}

function templateOf(file: TokenizerFile): { prefix: number[]; suffix: number[] } {
  const processor = file.post_processor ?? null;
  const all = processor === null ? [] : processor.type === "Sequence" ? processor.processors : [processor];
  const prefix: number[] = [];
  const suffix: number[] = [];
  for (const template of all) {
    if (template.type !== "TemplateProcessing") continue;
    let target = prefix;
    for (const part of template.single) {
      if ("Sequence" in part) target = suffix;
      else target.push(...(template.special_tokens[part.SpecialToken.id]?.ids ?? []));
    }
  }
  return { prefix, suffix };
}

function parseFile(text: string, where: string): TokenizerFile {
  let value: unknown;
  try {
    if (text.length > LARGEST_FILE) throw new Error(`${text.length} characters`);
    value = parseJson(text);
  } catch (cause) {
    throw new FirnError("TOKENIZER_JSON", {
      expected: `a JSON file of at most ${LARGEST_FILE} characters`,
      got: describeError(cause),
      where,
      next: NEXT,
      cause,
    });
  }
  const parsed = fileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new FirnError("TOKENIZER_UNSUPPORTED", {
    expected: "a byte-level BPE tokenizer.json whose every part Firn can reproduce",
    got: issue?.message ?? "something else",
    where: `${where}, ${issue?.path.join(".") || "the whole file"}`,
    next: "Load this tokenizer with the library it was made for, or repair the named part.",
    cause: parsed.error,
  });
}

/**
 * Reads the text of a `tokenizer.json`.
 *
 * @throws FirnError `TOKENIZER_JSON`, `TOKENIZER_UNSUPPORTED`, `TOKENIZER_VOCABULARY`, `TOKENIZER_MERGES`; the
 *   pre-tokenisation rule itself is checked when the `Tokenizer` is made (`TOKENIZER_PATTERN`)
 */
export function parseTokenizerJson(text: string, where = "tokenizer.json"): TokenizerModel {
  const file = parseFile(text, where);
  const pieces = vocabularyOf(file);
  const idOf = new Map(pieces.map((piece, id) => [piece, id]));
  const missing = BYTE_CHARACTERS.findIndex((character, byte) => occursInText(byte) && !idOf.has(character));
  if (missing >= 0) {
    throw new FirnError("TOKENIZER_VOCABULARY", {
      expected: "a token for each byte that text can have",
      got: `none for byte ${missing}`,
      where: `${where}, model.vocab`,
      next: "Text with that byte could not be written; use a byte-level tokenizer with its full alphabet.",
    });
  }
  const addedTokens = file.added_tokens.map(
    ({ id, content, special, normalized }): TokenizerAddedToken => ({
      id,
      content,
      special,
      normalized: normalized ?? !special,
    }),
  );
  const { prefix, suffix } = templateOf(file);
  for (const id of [...prefix, ...suffix]) {
    if (id < pieces.length) continue;
    throw new FirnError("TOKENIZER_VOCABULARY", {
      expected: "a template made of known tokens",
      got: `the id ${id}`,
      where: `${where}, post_processor`,
      next: NEXT,
    });
  }
  const normalizer = file.normalizer ?? null;
  return {
    pieces,
    rules: rulesOf(file, idOf),
    addedTokens,
    patterns: patternsOf(file.pre_tokenizer),
    ignoreMerges: file.model.ignore_merges ?? false,
    normalizer:
      normalizer !== null && (normalizer.type === "NFC" || normalizer.normalizers.length === 1)
        ? "NFC"
        : undefined,
    prefix,
    suffix,
  };
}

function templateJson(model: TokenizerModel): unknown {
  const token = (id: number): unknown => ({ SpecialToken: { id: model.pieces[id], type_id: 0 } });
  const sequence = (id: string, type: number): unknown => ({ Sequence: { id, type_id: type } });
  const around = (id: string, type: number): unknown[] => [
    ...model.prefix.map(token),
    sequence(id, type),
    ...model.suffix.map(token),
  ];
  const used = [...new Set([...model.prefix, ...model.suffix])];
  return {
    type: "TemplateProcessing",
    single: around("A", 0),
    pair: [...around("A", 0), ...around("B", 1)],
    special_tokens: Object.fromEntries(
      used.map((id) => [
        model.pieces[id]!,
        { id: model.pieces[id]!, ids: [id], tokens: [model.pieces[id]!] },
      ]),
    ),
  };
}

/** Two rules for one pair would change places when read by other programs; the later one is the one that counts. */
function rulesInForce(rules: MergeRules): number[] {
  const pairs = new PairTable(rules.left.length);
  const rankOf: number[] = [];
  for (let rank = 0; rank < rules.left.length; rank++) {
    rankOf[pairs.findOrAdd(rules.left[rank]!, rules.right[rank]!)] = rank;
  }
  return rankOf.sort((a, b) => a - b);
}

/** The text of a `tokenizer.json` for `model`: the same model always gives the same bytes. */
export function tokenizerJson(model: TokenizerModel): string {
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  const splits = model.patterns.map((pattern) => ({
    type: "Split",
    pattern: { Regex: pattern },
    behavior: "Isolated",
    invert: false,
  }));
  const { left, right } = model.rules;
  const file = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: model.addedTokens.map(({ id, content, normalized, special }) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized,
      special,
    })),
    normalizer: model.normalizer === undefined ? null : { type: model.normalizer },
    pre_tokenizer: { type: "Sequence", pretokenizers: [...splits, byteLevel] },
    post_processor: model.prefix.length + model.suffix.length === 0 ? null : templateJson(model),
    decoder: { ...byteLevel, add_prefix_space: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: model.ignoreMerges,
      vocab: Object.fromEntries(model.pieces.map((piece, id) => [piece, id])),
      merges: rulesInForce(model.rules).map((rank) => [
        model.pieces[left[rank]!]!,
        model.pieces[right[rank]!]!,
      ]),
    },
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}
