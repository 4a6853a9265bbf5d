/**
 * @file A GGUF taken apart, so that a test can make one whose bytes are in order and whose sense is not: keys that lie, tensors of
 * other shapes, lists of other lengths, the names of other architectures.
 */
import fc from "fast-check";

/** Bytes of a value by its type code; 8 is a text, 9 an array. */
const WIDTHS: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
const STRING = 8;
const ARRAY = 9;
const ALIGNMENT = 32;

interface Entry {
  key: string;
  type: number;
  /** The type of an array's elements. */
  of?: number;
  /** The value, or each element's, as it is stored. */
  values: Buffer[];
}
interface Tensor {
  name: string;
  dims: bigint[];
  type: number;
  offset: bigint;
}
export interface GgufParts {
  entries: Entry[];
  tensors: Tensor[];
  data: Buffer;
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: bigint | number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
};
const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
};

/** Takes a sound GGUF of version 3 apart. */
export function takeApart(file: Buffer): GgufParts {
  let at = 8;
  const take = (length: number): Buffer => {
    at += length;
    return file.subarray(at - length, at);
  };
  const long = (): bigint => take(8).readBigUInt64LE();
  const int = (): number => take(4).readUInt32LE();
  const word = (): string => take(Number(long())).toString();
  const raw = (type: number): Buffer => (type === STRING ? text(word()) : take(WIDTHS[type]!));
  const tensorCount = Number(long());
  const entryCount = Number(long());
  const entries = Array.from({ length: entryCount }, (): Entry => {
    const key = word();
    const type = int();
    if (type !== ARRAY) return { key, type, values: [raw(type)] };
    const of = int();
    return { key, type, of, values: Array.from({ length: Number(long()) }, () => raw(of)) };
  });
  const tensors = Array.from({ length: tensorCount }, (): Tensor => {
    const name = word();
    const dims = Array.from({ length: int() }, long);
    return { name, dims, type: int(), offset: long() };
  });
  return { entries, tensors, data: file.subarray(Math.ceil(at / ALIGNMENT) * ALIGNMENT) };
}

/** The header's bytes, without the padding after it. */
function header({ entries, tensors }: GgufParts): Buffer {
  const bytes = [Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(entries.length)];
  for (const { key, type, of, values } of entries) {
    bytes.push(text(key), u32(type));
    if (of !== undefined) bytes.push(u32(of), u64(values.length));
    bytes.push(...values);
  }
  for (const { name, dims, type, offset } of tensors)
    bytes.push(text(name), u32(dims.length), ...dims.map(u64), u32(type), u64(offset));
  return Buffer.concat(bytes);
}

export function putTogether(parts: GgufParts): Buffer {
  const bytes = header(parts);
  const padding = Buffer.alloc((ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT);
  return Buffer.concat([bytes, padding, parts.data]);
}

/** Numbers at the edges of what fits, and those that are nearly right. */
const NUMBERS = [
  0,
  1,
  2,
  3,
  5,
  7,
  15,
  16,
  17,
  31,
  32,
  33,
  48,
  63,
  64,
  65,
  96,
  128,
  255,
  256,
  399,
  400,
  401,
  511,
  512,
  513,
  4096,
  65_535,
  65_536,
  1 << 20,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_ffff,
];
const FLOATS = [
  0,
  -0,
  1,
  -1,
  1e-45,
  1e-5,
  1e38,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];
const ARCHITECTURES = [
  "llama",
  "gpt2",
  "qwen2",
  "qwen3",
  "gemma",
  "gemma2",
  "gemma3",
  "phi2",
  "phi3",
  "bert",
  "nomic-bert",
  "t5",
  "mamba",
  "rwkv6",
  "falcon",
  "bloom",
  "mpt",
  "starcoder2",
  "deepseek2",
  "olmo2",
  "granite",
  "command-r",
  "stablelm",
  "clip",
  "whisper",
  "",
  "x".repeat(60),
];
const MODELS = ["llama", "bert", "t5", "rwkv", "plamo2", "none", "no_vocab", "", "gpt3", "replit"];
const PRE = [
  "default",
  "llama3",
  "gpt-2",
  "qwen2",
  "deepseek-llm",
  "bloom",
  "tekken",
  "",
  "unheard-of",
  "llama-bpe",
  "smaug-bpe",
  "gpt-4o",
  "superbpe",
  "kimi-k2",
  "chatglm-bpe",
];
/** Keys that llama.cpp looks for although the exporter writes none of them. */
const MORE_KEYS = [
  "general.alignment",
  "apertus.rope.scaling.type",
  "apertus.rope.scaling.factor",
  "apertus.rope.scaling.original_context_length",
  "apertus.rope.scaling.attn_factor",
  "apertus.attention.layer_norm_epsilon",
  "apertus.attention.group_norm_groups",
  "apertus.attention.causal",
  "apertus.attention.sliding_window",
  "apertus.attention.clamp_kqv",
  "apertus.attention.max_alibi_bias",
  "apertus.expert_count",
  "apertus.expert_used_count",
  "apertus.pooling_type",
  "apertus.use_parallel_residual",
  "apertus.nextn_predict_layers",
  "apertus.classifier.output_labels",
  "split.count",
  "split.no",
  "split.tensors.count",
  "tokenizer.ggml.scores",
  "tokenizer.ggml.unknown_token_id",
  "tokenizer.ggml.seperator_token_id",
  "tokenizer.ggml.mask_token_id",
  "tokenizer.ggml.cls_token_id",
  "tokenizer.ggml.fim_pre_token_id",
  "tokenizer.ggml.eog_token_ids",
  "tokenizer.ggml.suppress_tokens",
  "tokenizer.ggml.add_sep_token",
  "tokenizer.ggml.remove_extra_whitespaces",
  "tokenizer.ggml.precompiled_charsmap",
  "tokenizer.ggml.token_type_count",
  "tokenizer.chat_template.tool_use",
  "tokenizer.chat_templates",
  "adapter.type",
];

type Edit = (parts: GgufParts) => void;
const share = fc.nat(999_999).map((n) => n / 1_000_000);
const pick = <T>(list: readonly T[], at: number): T | undefined => list[Math.floor(at * list.length)];

/** The bytes of `number` in the width of `type`. */
function numberBytes(type: number, number: number): Buffer {
  if (type === STRING) return text(String(number));
  if (type === 6 || type === 12) {
    const bytes = Buffer.alloc(8);
    if (type === 6) bytes.writeFloatLE(number);
    else bytes.writeDoubleLE(number);
    return bytes.subarray(0, WIDTHS[type]);
  }
  return u64(BigInt(Number.isFinite(number) ? Math.trunc(number) : 0)).subarray(0, WIDTHS[type]);
}

const number = fc.oneof(fc.constantFrom(...NUMBERS), fc.constantFrom(...FLOATS), fc.nat(600));
const type = fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12);
const piece = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "",
    " ",
    "a b c",
    "\u0000",
    "Ġ",
    "<s>",
    "a",
    "x".repeat(70_000),
    "{{ '%' ",
    "{% for a in b %}",
    "\ud800",
  ),
);

const edit: fc.Arbitrary<Edit> = fc.oneof(
  // Another number under a key, in its type or another.
  {
    weight: 6,
    arbitrary: fc.tuple(share, number, fc.option(type)).map(
      ([at, value, other]): Edit =>
        ({ entries }) => {
          const entry = pick(
            entries.filter(({ of, type: is }) => of === undefined && (is !== STRING || other !== null)),
            at,
          );
          if (entry === undefined) return;
          entry.type = other ?? entry.type;
          entry.values = [numberBytes(entry.type, value)];
        },
    ),
  },
  // Another text.
  {
    weight: 3,
    arbitrary: fc.tuple(share, fc.oneof(piece, fc.constantFrom(...ARCHITECTURES, ...MODELS, ...PRE))).map(
      ([at, value]): Edit =>
        ({ entries }) => {
          const entry = pick(
            entries.filter(({ type: is }) => is === STRING),
            at,
          );
          if (entry !== undefined) entry.values = [text(value)];
        },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...MODELS), fc.constantFrom(...PRE)).map(
      ([model, pre]): Edit =>
        ({ entries }) => {
          for (const entry of entries) {
            if (entry.key === "tokenizer.ggml.model") entry.values = [text(model)];
            if (entry.key === "tokenizer.ggml.pre") entry.values = [text(pre)];
          }
        },
    ),
  },
  // The same sizes under the names of another architecture.
  {
    weight: 2,
    arbitrary: fc.constantFrom(...ARCHITECTURES).map(
      (name): Edit =>
        ({ entries }) => {
          for (const entry of entries) {
            entry.key = entry.key.replace(/^apertus\./, `${name}.`);
            if (entry.key === "general.architecture") entry.values = [text(name)];
          }
        },
    ),
  },
  // A key gone, twice, or of another name.
  {
    weight: 2,
    arbitrary: fc.tuple(share, fc.constantFrom("remove", "double", "rename")).map(
      ([at, how]): Edit =>
        ({ entries }) => {
          const index = Math.floor(at * entries.length);
          const entry = entries[index];
          if (entry === undefined) return;
          if (how === "remove") entries.splice(index, 1);
          else if (how === "double") entries.push({ ...entry });
          else entry.key += "x";
        },
    ),
  },
  // A key that was not there.
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...MORE_KEYS),
        type,
        fc.array(number, { maxLength: 5 }),
        fc.constantFrom("scalar", "array", "text"),
      )
      .map(
        ([key, of, numbers, how]): Edit =>
          ({ entries }) => {
            if (how === "array")
              entries.push({ key, type: ARRAY, of, values: numbers.map((value) => numberBytes(of, value)) });
            else if (how === "text")
              entries.push({ key, type: STRING, values: [text(String(numbers[0] ?? ""))] });
            else entries.push({ key, type: of, values: [numberBytes(of, numbers[0] ?? 0)] });
          },
      ),
  },
  // A list of another length, with other elements, or where there was none.
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        share,
        share,
        number,
        piece,
        fc.constantFrom("cut", "longer", "element", "empty", "type", "wrap", "unwrap"),
      )
      .map(
        ([at, where, value, word, how]): Edit =>
          ({ entries }) => {
            const entry = pick(
              entries.filter(({ of }) => (of === undefined) === (how === "wrap")),
              at,
            );
            if (entry === undefined) return;
            const bytes = (of: number) => (of === STRING ? text(word) : numberBytes(of, value));
            if (how === "cut") entry.values = entry.values.slice(0, Math.floor(where * entry.values.length));
            else if (how === "longer") entry.values = [...entry.values, bytes(entry.of!)];
            else if (how === "element" && entry.values.length > 0)
              entry.values = entry.values.with(
                Math.min(entry.values.length - 1, Math.floor(where * entry.values.length)),
                bytes(entry.of!),
              );
            else if (how === "empty") entry.values = [];
            else if (how === "type") {
              entry.of = Math.floor(where * 9);
              entry.values = entry.values.map(() => bytes(entry.of!));
            } else if (how === "wrap") {
              entry.of = entry.type;
              entry.type = ARRAY;
            } else {
              entry.type = entry.of!;
              delete entry.of;
              entry.values = [entry.values[0] ?? bytes(entry.type)];
            }
          },
      ),
  },
  // A tensor of another shape, type, place or name; gone; twice.
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        share,
        share,
        number,
        fc.constantFrom("dim", "swap", "rank", "type", "offset", "name", "remove", "double", "rename"),
      )
      .map(
        ([at, where, value, how]): Edit =>
          ({ tensors, data }) => {
            const index = Math.floor(at * tensors.length);
            const tensor = tensors[index];
            if (tensor === undefined) return;
            const size = BigInt(Number.isFinite(value) ? Math.trunc(value) : 1);
            if (how === "dim" && tensor.dims.length > 0)
              tensor.dims = tensor.dims.with(Math.floor(where * tensor.dims.length), size);
            else if (how === "swap") tensor.dims = tensor.dims.toReversed();
            else if (how === "rank")
              tensor.dims = where < 0.5 ? tensor.dims.slice(1) : [...tensor.dims, where < 0.8 ? 1n : size];
            else if (how === "type") tensor.type = Math.floor(where * 45);
            else if (how === "offset")
              tensor.offset = where < 0.5 ? BigInt(Math.floor(where * 2 * data.length)) : size;
            else if (how === "name") tensor.name = pick(tensors, where)!.name;
            else if (how === "remove") tensors.splice(index, 1);
            else if (how === "double") tensors.push({ ...tensor });
            else
              tensor.name = tensor.name
                .replace("blk.", where < 0.5 ? "blk.9" : "blk.-")
                .replace("attn", "ffn");
          },
      ),
  },
);

/** Sound bytes whose sense is not. */
export function editedGguf(file: Buffer): fc.Arbitrary<Buffer> {
  const sound = takeApart(file);
  return fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) => {
    const parts: GgufParts = {
      entries: sound.entries.map((entry) => ({ ...entry })),
      tensors: sound.tensors.map((tensor) => ({ ...tensor })),
      data: sound.data,
    };
    for (const apply of edits) apply(parts);
    return putTogether(parts);
  });
}

/** Length of the header, without the padding after it. */
export function headerBytes(file: Buffer): number {
  return header(takeApart(file)).length;
}
