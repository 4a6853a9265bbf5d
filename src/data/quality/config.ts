/** @file The settings of the quality steps, as a recipe writes them. */
import { z } from "zod";
import { qualityClassifierSchema } from "../classifier/config.ts";

const share = z.number().min(0).max(1);

/** Rules after Gopher and FineWeb whose values are measured on text, language by language, as FineWeb-2 does. */
export const qualityRulesSchema = z.strictObject({
  /** `quality-values.json` of another build: its values, and nothing is measured. */
  values: z.string().min(1).optional(),
  /** Sources whose text is measured: the best there is (FineWeb-2 takes Wikipedia). All when left out. */
  reference: z.array(z.string().min(1)).min(1).optional(),
  /** `tail`: the value that this share of the measured documents would not pass. `mean-std`: so many deviations off. */
  method: z.enum(["tail", "mean-std"]).default("tail"),
  tail: z.number().min(0.0001).max(0.5).default(0.1),
  deviations: z.number().min(0.5).max(10).default(2),
  /** Documents that are measured, drawn from all; with fewer than `minDocuments`, a language takes the values of all. */
  sampleDocuments: z.int().min(100).max(10_000_000).default(100_000),
  minDocuments: z.int().min(10).max(1_000_000).default(100),
  /** A document needs so many of the commonest words of its language (Gopher: 2). */
  minStopWords: z.int().min(0).max(10).default(2),
  /** How common a stop word is among all words. */
  stopWordShare: z.number().min(0.0001).max(0.2).default(0.008),
  minWords: z.int().min(0).max(100_000).default(50),
  maxWords: z.int().min(1).max(100_000_000).default(100_000),
});
export type QualityRulesConfig = z.infer<typeof qualityRulesSchema>;

/** C4's cleaning (Raffel et al. 2020, §2.2), of which FineWeb-2 uses nothing: made for English web pages. */
export const c4Schema = z.strictObject({
  /** Leaves out lines that do not end in terminal punctuation; FineWeb found that it costs too much. */
  terminalPunctuation: z.boolean().default(false),
  /** Leaves out lines of fewer words. */
  minLineWords: z.int().min(0).max(100).default(3),
  /** Leaves out lines with a longer word. */
  maxWordCharacters: z.int().min(10).max(100_000).default(1000),
  minSentences: z.int().min(0).max(100).default(5),
});
export type C4Config = z.infer<typeof c4Schema>;

export const qualitySchema = z.strictObject({
  minBytes: z.int().min(0).default(30),
  maxCharacters: z.int().min(1).default(1_000_000),
  maxSymbolShare: share.default(0.3),
  maxDigitShare: share.default(0.3),
  maxRepeatedLineShare: share.default(0.3),
  maxRepeatedRunShare: share.default(0.35),
  c4: c4Schema.optional(),
  rules: qualityRulesSchema.optional(),
  /** A trained classifier that keeps the best documents of each language, as FineWeb-HQ does. */
  classifier: qualityClassifierSchema.optional(),
});
