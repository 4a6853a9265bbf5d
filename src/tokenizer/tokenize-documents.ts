/** @file Turns documents into tokens: one sequence `<s> … </s>` per document, in Megatron's format. */
import { documentShards, readDocuments, readParquetInfo, TokensWriter } from "../artifacts/index.ts";
import { formatCount, type Work } from "../core/index.ts";
import { TokenList } from "./encode.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { loadTokenizer } from "./tokenizer-files.ts";

/** Documents, their UTF-8 bytes, and their tokens with `<s>` and `</s>`; a `type`, so that it is JSON. */
export type TokenCounts = {
  documents: number;
  bytes: number;
  tokens: number;
};

export type SplitSummary = TokenCounts & {
  readonly languages: { readonly [language: string]: TokenCounts };
  readonly sources: { readonly [source: string]: TokenCounts };
};

export type TokenizeSummary = {
  /** SHA-256 of the `tokenizer.json` used. */
  readonly tokenizer: string;
  readonly vocabSize: number;
  readonly splits: { readonly [split: string]: SplitSummary };
};

export interface TokenizeOptions {
  readonly documentsDir: string;
  readonly tokenizerDir: string;
  /** The folder to write into. */
  readonly dir: string;
  readonly splits: readonly ("train" | "heldout")[];
}

class SplitCounter {
  readonly #total: TokenCounts = { documents: 0, bytes: 0, tokens: 0 };
  readonly #languages = new Map<string, TokenCounts>();
  readonly #sources = new Map<string, TokenCounts>();

  get total(): Readonly<TokenCounts> {
    return this.#total;
  }

  add(language: string, source: string, bytes: number, tokens: number): void {
    for (const counts of [this.#total, entry(this.#languages, language), entry(this.#sources, source)]) {
      counts.documents += 1;
      counts.bytes += bytes;
      counts.tokens += tokens;
    }
  }

  summary(): SplitSummary {
    return { ...this.#total, languages: sorted(this.#languages), sources: sorted(this.#sources) };
  }
}

function entry(map: Map<string, TokenCounts>, key: string): TokenCounts {
  let counts = map.get(key);
  if (counts === undefined) map.set(key, (counts = { documents: 0, bytes: 0, tokens: 0 }));
  return counts;
}

function sorted(map: ReadonlyMap<string, TokenCounts>): Record<string, TokenCounts> {
  return Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Tokenizes the documents of `splits` in their fixed order. Records one fact, `tokenize`.
 *
 * @throws FirnError of `loadTokenizer`, `readDocuments` and the disk
 */
export async function tokenizeDocuments(options: TokenizeOptions, work: Work): Promise<TokenizeSummary> {
  const { tokenizer, sha256 } = await loadTokenizer(options.tokenizerDir);
  const writer = await TokensWriter.create(options.dir, {
    vocabSize: tokenizer.vocabSize,
    tokenizer: sha256,
  });
  const splits: Record<string, SplitSummary> = {};
  try {
    for (const split of options.splits) {
      splits[split] = await tokenizeSplit(split, options.documentsDir, tokenizer, writer, work);
    }
    await writer.close();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  const summary: TokenizeSummary = { tokenizer: sha256, vocabSize: tokenizer.vocabSize, splits };
  work.fact("tokenize", summary);
  return summary;
}

async function tokenizeSplit(
  split: "train" | "heldout",
  documentsDir: string,
  tokenizer: Tokenizer,
  writer: TokensWriter,
  work: Work,
): Promise<SplitSummary> {
  let total = 0;
  for (const shard of await documentShards(documentsDir, split)) total += (await readParquetInfo(shard)).rows;
  const task = work.report.task(`tokenize ${split}`, total, "documents");
  const counter = new SplitCounter();
  await writer.startSplit(split);
  for await (const batch of readDocuments(documentsDir, split)) {
    for (const document of batch) {
      work.signal.throwIfAborted();
      const list = new TokenList();
      list.push(tokenizer.bosId);
      tokenizer.encodeInto(document.text, list);
      list.push(tokenizer.eosId);
      const { id, language, source, bytes, repeats } = document;
      await writer.add(list.ids.subarray(0, list.length), { id, language, source, bytes, repeats });
      counter.add(language ?? "und", source, bytes, list.length);
    }
    task.update(counter.total.documents, `${formatCount(counter.total.tokens)} tokens`);
  }
  task.finish(`${formatCount(counter.total.tokens)} tokens`);
  return counter.summary();
}
