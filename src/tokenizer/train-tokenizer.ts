/** @file Trains the tokenizer of a recipe: documents in, a tokenizer folder out. */
import { join } from "node:path";
import { z } from "zod";
import { documentShards, readDocuments, readParquetInfo } from "../artifacts/index.ts";
import type { Work } from "../core/index.ts";
import { BYTE_CHARACTERS, spellBytes } from "./byte-alphabet.ts";
import { BYTE_ORDER } from "./byte-order.ts";
import { defaultSystemText, isSystemText } from "./chat-template.ts";
import { type CorpusText, countCorpus } from "./count-corpus.ts";
import type { PieceCounts } from "./count-pieces.ts";
import { PieceTotals } from "./piece-totals.ts";
import { APERTUS_PATTERN } from "./pretokenize.ts";
import { APERTUS_SPECIAL_BLOCK, NAMED_TOKENS, SPECIAL_IDS, specialBlock } from "./special-tokens.ts";
import { saveTokenizer } from "./tokenizer-files.ts";
import { Tokenizer } from "./tokenizer.ts";
import { type TrainedMerges, trainMerges } from "./train.ts";

/** How a recipe configures its tokenizer. */
export const tokenizerConfigSchema = z
  .strictObject({
    /** All tokens: special block, 256 bytes and merged ones. */
    vocabSize: z.int().max(1 << 20),
    /** Ids 0 … specialBlock − 1 are special; byte b has id specialBlock + b. Apertus: 1000. */
    specialBlock: z.int().min(NAMED_TOKENS.length).max(100_000).default(APERTUS_SPECIAL_BLOCK),
    /** Pairs seen less often are not merged. */
    minFrequency: z.number().min(1).default(2),
    /** A language of n bytes counts like n^temperature: 1 as it is, 0 all languages alike. */
    languageTemperature: z.number().min(0).max(1).default(1),
    /**
     * `plain`: each merge takes the most frequent pair. `parity`: that of the language that is compressed worst as
     * things stand (arXiv 2508.04796).
     */
    merging: z.enum(["plain", "parity"]).default("plain"),
    maxTokenBytes: z.int().min(2).optional(),
    /** Memory for counting and merging; when distinct words exceed it, the rarest are left out. */
    memoryMiB: z.int().min(64).max(1_000_000).default(2048),
    /** The system message of conversations that bring none. */
    systemText: z
      .string()
      .max(2000)
      .refine(isSystemText, "must not hold control characters")
      .default(defaultSystemText({ name: "Firn" })),
  })
  .refine(({ vocabSize, specialBlock }) => vocabSize >= specialBlock + 256, {
    path: ["vocabSize"],
    message: "must be at least specialBlock + 256",
  })
  .refine(({ merging, languageTemperature }) => merging === "plain" || languageTemperature === 1, {
    path: ["languageTemperature"],
    message: "has no meaning where merging is parity; leave it out",
  });
export type TokenizerConfig = z.infer<typeof tokenizerConfigSchema>;

/** The tokenizer made of trained merges: special block, bytes in byte order, merged tokens by age. */
export function tokenizerFromMerges(
  merges: TrainedMerges,
  config: Pick<TokenizerConfig, "specialBlock" | "systemText">,
): Tokenizer {
  const block = specialBlock(config.specialBlock);
  const idOf = (token: number): number => config.specialBlock + (token < 256 ? BYTE_ORDER[token]! : token);
  return new Tokenizer(
    {
      pieces: [
        ...block.map(({ content }) => content),
        ...BYTE_CHARACTERS,
        ...merges.tokens.slice(256).map((bytes) => spellBytes(bytes)),
      ],
      rules: {
        left: Int32Array.from(merges.left, idOf),
        right: Int32Array.from(merges.right, idOf),
        joined: Int32Array.from(merges.joined, idOf),
      },
      addedTokens: block.map((token) => ({ ...token, normalized: false })),
      patterns: [APERTUS_PATTERN],
      ignoreMerges: true,
      normalizer: undefined,
      prefix: [SPECIAL_IDS.bos],
      suffix: [],
    },
    config.systemText,
  );
}

/** What training says about its result, for the manifest and the ledger; a `type`, so that it is JSON. */
export type TokenizerSummary = {
  readonly vocabSize: number;
  readonly specialBlock: number;
  readonly merges: number;
  /** SHA-256 of `tokenizer.json`. */
  readonly sha256: string;
  readonly documents: number;
  readonly bytes: number;
  readonly languages: number;
  /** Language by language where those are kept apart. */
  readonly distinctPieces: number;
  /** Pieces that did not fit into the memory allowed. */
  readonly rarePiecesLeftOut?: number;
};

/** Bytes that merging needs per byte of distinct piece, pairs included, and counting per byte of what it holds. */
const MERGE_BYTES_PER_BYTE = 40;
const COUNT_BYTES_PER_BYTE = 4;

interface CountedDocuments {
  readonly counts: PieceCounts;
  readonly documents: number;
  readonly bytes: number;
  readonly languages: number;
}

/** Counts the pieces of the `train` documents, by language where the config asks for that. */
async function countDocuments(
  config: TokenizerConfig,
  where: { readonly documentsDir: string; readonly dir: string },
  work: Work,
): Promise<CountedDocuments> {
  let rows = 0;
  for (const shard of await documentShards(where.documentsDir, "train"))
    rows += (await readParquetInfo(shard)).rows;
  const task = work.report.task("count words", rows, "documents");
  const apart = config.merging === "parity";
  const byLanguage = apart || config.languageTemperature !== 1;
  const languages = new Set<string>();
  let documents = 0;
  let bytes = 0;
  async function* texts(): AsyncGenerator<CorpusText> {
    for await (const batch of readDocuments(where.documentsDir, "train")) {
      work.signal.throwIfAborted();
      for (const document of batch) {
        const language = document.language ?? "und";
        languages.add(language);
        documents += 1;
        bytes += document.bytes;
        yield { text: document.text, language: byLanguage ? language : "" };
      }
      task.update(documents);
    }
  }
  const memory = config.memoryMiB * 2 ** 20;
  const totals = new PieceTotals(join(where.dir, "counting"), memory / COUNT_BYTES_PER_BYTE);
  try {
    await countCorpus(texts(), totals, { workers: work.workers, signal: work.signal });
    task.finish();
    const mostBytes = memory / MERGE_BYTES_PER_BYTE;
    const counts = await totals.total({ temperature: config.languageTemperature, apart, mostBytes });
    return { counts, documents, bytes, languages: languages.size };
  } finally {
    await totals.close();
  }
}

/**
 * Trains on the `train` documents of `documentsDir` and writes the tokenizer folder `dir`. The result depends on
 * the documents and the config alone. A small corpus may give fewer tokens than `vocabSize`; the summary says.
 * Records one fact, `tokenizer`.
 *
 * @throws FirnError of `readDocuments` and the disk
 */
export async function trainTokenizer(
  config: TokenizerConfig,
  where: { readonly documentsDir: string; readonly dir: string },
  work: Work,
): Promise<TokenizerSummary> {
  const corpus = await countDocuments(config, where, work);
  const { counts, documents, bytes, languages } = corpus;
  const training = work.report.task("merge pairs", config.vocabSize - config.specialBlock, "tokens");
  const merges = await trainMerges(counts, {
    tokens: config.vocabSize - config.specialBlock,
    minFrequency: config.minFrequency,
    ...(config.maxTokenBytes === undefined ? {} : { maxTokenBytes: config.maxTokenBytes }),
    signal: work.signal,
    onProgress: (tokens) => training.update(tokens),
  });
  const tokenizer = tokenizerFromMerges(merges, config);
  training.finish(`${tokenizer.vocabSize} tokens`);
  const summary: TokenizerSummary = {
    vocabSize: tokenizer.vocabSize,
    specialBlock: config.specialBlock,
    merges: merges.left.length,
    sha256: await saveTokenizer(tokenizer, where.dir),
    documents,
    bytes,
    languages,
    distinctPieces: counts.groups.reduce((sum, { pieces }) => sum + pieces.size, 0),
    ...(counts.leftOut > 0 ? { rarePiecesLeftOut: counts.leftOut } : {}),
  };
  work.fact("tokenizer", summary);
  return summary;
}
