/** @file The published vocabularies that the `tiktoken` package carries, as Hugging Face's tokenizer.json. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { z } from "zod";
import { BYTE_CHARACTERS } from "../../src/tokenizer/byte-alphabet.ts";

const fileSchema = z.object({
  pat_str: z.string(),
  special_tokens: z.record(z.string(), z.int()),
  /** Lines of "! first-id token token …", tokens in base64. */
  bpe_ranks: z.string(),
});

/** The tokens by id; bytes as Latin-1, so that strings can be keys. */
function ranked(lines: string): [string, number][] {
  return lines.split("\n").flatMap((line) => {
    const [, first, ...tokens] = line.split(" ");
    return tokens.map((token, i): [string, number] => [
      Buffer.from(token, "base64").toString("latin1"),
      Number(first) + i,
    ]);
  });
}

/** The two tokens that `token` is merged from: what merging with all lower ranks leaves. */
function partsOf(token: string, rankOf: ReadonlyMap<string, number>): string[] {
  const own = rankOf.get(token)!;
  let parts = Array.from(token);
  while (parts.length > 2) {
    let best = own;
    let at = -1;
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = rankOf.get(parts[i]! + parts[i + 1]!) ?? own;
      if (rank < best) [best, at] = [rank, i];
    }
    if (at < 0) break;
    parts = [...parts.slice(0, at), parts[at]! + parts[at + 1]!, ...parts.slice(at + 2)];
  }
  return parts;
}

/** The `tokenizer.json` of a vocabulary of OpenAI, e.g. "cl100k_base". */
export async function tiktokenJson(name: string): Promise<string> {
  const path = createRequire(import.meta.url).resolve(`tiktoken/encoders/${name}.json`);
  const file = fileSchema.parse(JSON.parse(await readFile(path, "utf8")));
  const spell = (token: string): string =>
    Array.from(token, (byte) => BYTE_CHARACTERS[byte.charCodeAt(0)]!).join("");
  const tokens = ranked(file.bpe_ranks);
  const rankOf = new Map(tokens);
  const special = Object.entries(file.special_tokens);
  const used = new Set([...tokens.map(([, id]) => id), ...special.map(([, id]) => id)]);
  // Ids that mean nothing get a name of their own: files of this kind have no gaps.
  const unused = Array.from({ length: 1 + [...used].reduce((a, b) => Math.max(a, b)) }, (_, id) => id).filter(
    (id) => !used.has(id),
  );
  const added = [...special, ...unused.map((id): [string, number] => [`<|unused_${id}|>`, id])];
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  return JSON.stringify({
    version: "1.0",
    added_tokens: added.sort((a, b) => a[1] - b[1]).map(([content, id]) => ({ id, content, ...flags })),
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: file.pat_str }, behavior: "Isolated", invert: false },
        byteLevel,
      ],
    },
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map(([token, id]) => [spell(token), id])),
      merges: tokens
        .filter(([token]) => token.length > 1)
        .map(([token]) => partsOf(token, rankOf).map(spell))
        .filter((parts) => parts.length === 2),
    },
  });
}
