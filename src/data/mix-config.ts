/** @file The settings of the mix, as a recipe writes them. */
import { z } from "zod";

const language = z.string().regex(/^[a-z]{3}$/, "ISO 639-3, e.g. deu");

export const mixSchema = z.strictObject({
  /** At most so many bytes of a source, of a language, or of both together. */
  caps: z
    .array(
      z.strictObject({
        source: z.string().optional(),
        language: language.optional(),
        /** The cap holds for each language by itself, not for their sum. */
        eachLanguage: z.boolean().optional(),
        maxBytes: z.int().min(0),
      }),
    )
    .default([]),
  /** Reads what matches so many times; several rules multiply. */
  epochs: z
    .array(
      z.strictObject({
        source: z.string().optional(),
        language: language.optional(),
        /** Documents that stand for at least this many, their duplicates included. */
        minCopies: z.int().min(1).optional(),
        epochs: z.number().min(0).max(1000),
      }),
    )
    .default([]),
  /** Source → weight: the bytes of these sources in one pass are in this proportion. */
  weights: z.record(z.string(), z.number().min(0)).default({}),
  /** A language with n bytes weighs n^(1/T): 1 leaves the shares as they are, more evens them out. */
  languageTemperature: z.number().min(1).max(100).default(1),
  /** Nothing is read more often, whatever the rules above come to (up to 4 epochs cost little: Muennighoff et al. 2023). */
  maxEpochs: z.number().min(1).max(1000).default(4),
});
export type MixConfig = z.infer<typeof mixSchema>;
