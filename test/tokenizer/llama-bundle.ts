/** @file Files of llama.cpp's own repository, out of the git bundle that node-llama-cpp brings along. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gguf } from "@huggingface/gguf";

const run = promisify(execFile);
const LARGEST_FILE = 1 << 26;

export interface LlamaFiles {
  read(path: string): Promise<Buffer>;
  close(): Promise<void>;
}

/** Unpacks the bundle; needs `git`. */
export async function openLlamaFiles(): Promise<LlamaFiles> {
  const entry = createRequire(import.meta.url).resolve("node-llama-cpp");
  const bundle = join(dirname(dirname(entry)), "llama", "gitRelease.bundle");
  const dir = await mkdtemp(join(tmpdir(), "firn-llama-"));
  await run("git", ["clone", "--quiet", "--bare", bundle, join(dir, "repository")]);
  return {
    read: async (path) => {
      const { stdout } = await run("git", ["-C", join(dir, "repository"), "show", `HEAD:${path}`], {
        encoding: "buffer",
        maxBuffer: LARGEST_FILE,
      });
      return stdout;
    },
    close: () => rm(dir, { recursive: true }),
  };
}

/** llama.cpp's `llama_token_type`. */
const CONTROL = 3;
const USER_DEFINED = 4;

/** The `tokenizer.json` of a byte-level BPE vocabulary in a GGUF, which does not hold the rule itself. */
export async function ggufTokenizerJson(
  bytes: Buffer,
  rule: {
    readonly patterns: readonly string[];
    readonly ignoreMerges?: boolean;
    readonly normalizer?: "NFC";
  },
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "firn-gguf-"));
  const path = join(dir, "vocabulary.gguf");
  await writeFile(path, bytes);
  const read = await gguf(path, { allowLocalFile: true });
  const metadata: Readonly<Record<string, unknown>> = { ...read.metadata };
  await rm(dir, { recursive: true });
  const tokens = metadata["tokenizer.ggml.tokens"] as string[];
  const types = metadata["tokenizer.ggml.token_type"] as number[];
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  return JSON.stringify({
    added_tokens: tokens.flatMap((content, id) =>
      types[id] === CONTROL || types[id] === USER_DEFINED
        ? [{ id, content, special: types[id] === CONTROL, normalized: false }]
        : [],
    ),
    normalizer: rule.normalizer === undefined ? null : { type: rule.normalizer },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        ...rule.patterns.map((pattern) => ({
          type: "Split",
          pattern: { Regex: pattern },
          behavior: "Isolated",
          invert: false,
        })),
        byteLevel,
      ],
    },
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      ignore_merges: rule.ignoreMerges ?? false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: metadata["tokenizer.ggml.merges"] as string[],
    },
  });
}
