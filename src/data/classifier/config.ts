/** @file The settings of trained classifiers, as a recipe writes them: the one for quality and the one for toxicity. */
import { z } from "zod";
import { LANGUAGE_LABEL } from "../source-spec.ts";
import { TABLE_FILE } from "../table-rows.ts";

const share = z.number().min(0).max(1);

const examples = z.strictObject({
  path: z.string().regex(TABLE_FILE, "a .jsonl (.gz, .zst) or .parquet file"),
  /** Columns. */
  text: z.string().min(1).default("text"),
  /** True or above 0 for what is looked for, else false or 0; every row is what is looked for when left out. */
  label: z.string().min(1).optional(),
  /** The language of the whole table, or … */
  language: z.string().regex(LANGUAGE_LABEL, "ISO 639-3, e.g. deu").optional(),
  /** … the column that says it. */
  languageColumn: z.string().min(1).optional(),
});

const parquet = z.string().regex(/\.parquet$/i, "a .parquet file");

const embedding = z
  .discriminatedUnion("type", [
    /** Words, pairs of words and runs of four characters, hashed into a vector: needs no model. */
    z.strictObject({
      type: z.literal("hashed-ngrams"),
      dimensions: z.int().min(16).max(65_536).default(1024),
    }),
    /** The sentence vector of a fastText model (`.bin`, `.ftz`). */
    z.strictObject({ type: z.literal("fasttext"), path: z.string().min(1) }),
    /**
     * Vectors that another program has computed: Parquet with a column `sha256` (of the text as its source has it) and a
     * column `vector`.
     */
    z.strictObject({
      type: z.literal("vectors"),
      path: z.union([parquet, z.array(parquet).min(1).max(100_000)]),
      /** What they were computed with, e.g. FacebookAI/xlm-roberta-base; a classifier is only good for its own. */
      madeBy: z.string().min(1).max(200),
    }),
  ])
  .default({ type: "hashed-ngrams", dimensions: 1024 });

const training = {
  /** `quality-classifier.json` or `toxicity-classifier.json` of another build, instead of examples. */
  model: z.string().min(1).optional(),
  /** Labelled text. Where a language has no counterexamples, documents of the corpus are drawn for them. */
  examples: z.array(examples).max(10_000).default([]),
  embedding,
  hidden: z.int().min(1).max(4096).default(64),
  epochs: z.int().min(1).max(1000).default(6),
  batch: z.int().min(1).max(65_536).default(64),
  learningRate: z.number().positive().max(1).default(0.001),
  dropout: z.number().min(0).max(0.9).default(0.2),
  /** Of each kind and language; with fewer than `minExamples` a language has no classifier. */
  maxExamples: z.int().min(10).max(10_000_000).default(2000),
  minExamples: z.int().min(5).max(1_000_000).default(50),
  /** Documents of the corpus that are looked at for counterexamples and thresholds, drawn from all. */
  sampleDocuments: z.int().min(100).max(10_000_000).default(100_000),
  /** Of documents in languages without a classifier, the share that stays (Apertus draws it as the classifier would). */
  others: share.default(1),
};

/** Keeps the best of each language. */
export const qualityClassifierSchema = z
  .strictObject({
    ...training,
    /** Sources of the recipe whose documents are good examples; they are never dropped by it. */
    goodSources: z.array(z.string().min(1)).max(1000).default([]),
    /** Share of each language that stays (FineWeb-HQ: 0.1 or 0.33). */
    keep: share.default(0.33),
  })
  .refine(
    ({ model, examples: given, goodSources }) =>
      (model !== undefined) !== (given.length > 0 || goodSources.length > 0),
    "give either a model, or good examples (examples, goodSources)",
  );

/** Leaves out the most toxic of each language. */
export const toxicitySchema = z
  .strictObject({
    ...training,
    /** Share of each language that goes (Apertus: 0.05, the 95th percentile). */
    drop: share.default(0.05),
  })
  .refine(
    ({ model, examples: given }) => (model !== undefined) !== given.length > 0,
    "give either a model, or labelled examples",
  );

export type QualityClassifierConfig = z.infer<typeof qualityClassifierSchema>;
export type ToxicityConfig = z.infer<typeof toxicitySchema>;
/** What both have. */
export type TrainingConfig = Omit<ToxicityConfig, "drop">;
