/** @file Trains the tokenizer of a recipe: documents in, a tokenizer folder out. */
import { z } from "zod";
import { documentShards, readDocuments, readParquetInfo } from "../artifacts/index.ts";
import type { Work } from "../core/index.ts";
import { BYTE_CHARACTERS, spellBytes } from "./byte-alphabet.ts";
import { defaultSystemText, isSystemText } from "./chat-template.ts";
import { PieceCounter } from "./count-pieces.ts";
import { APERTUS_PATTERN, ApertusPreTokenizer } from "./pretokenize.ts";
import { APERTUS_SPECIAL_BLOCK, NAMED_TOKENS, SPECIAL_IDS, specialBlock } from "./special-tokens.ts";
import { saveTokenizer } from "./tokenizer-files.ts";
import { Tokenizer } from "./tokenizer.ts";
import { BYTE_ORDER, type TrainedMerges, trainMerges } from "./train.ts";

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
    maxTokenBytes: z.int().min(2).optional(),
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
  readonly distinctPieces: number;
};

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
  const counter = new PieceCounter(new ApertusPreTokenizer());
  let total = 0;
  for (const shard of await documentShards(where.documentsDir, "train"))
    total += (await readParquetInfo(shard)).rows;
  const counting = work.report.task("count words", total, "documents");
  const languages = new Set<string>();
  let documents = 0;
  let bytes = 0;
  for await (const batch of readDocuments(where.documentsDir, "train")) {
    work.signal.throwIfAborted();
    for (const document of batch) {
      const language = document.language ?? "und";
      languages.add(language);
      counter.add(document.text, config.languageTemperature === 1 ? "" : language);
      documents += 1;
      bytes += document.bytes;
    }
    counting.update(documents);
  }
  counting.finish();
  const counts = counter.total(config.languageTemperature);
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
    languages: languages.size,
    distinctPieces: counts.pieces.size,
  };
  work.fact("tokenizer", summary);
  return summary;
}
