/** @file The settings of the data steps, as a recipe writes them. */
import { z } from "zod";
import { LANGUAGE_LABEL } from "./source-spec.ts";

const share = z.number().min(0).max(1);

export const cleanConfigSchema = z.strictObject({
  /** Decides the held-out set and what a cap keeps. */
  seed: z.int().default(0),
  /** Languages to keep: ISO 639-3, perhaps with a script (`srp_Cyrl`). All when left out. */
  languages: z
    .array(z.string().regex(LANGUAGE_LABEL, "ISO 639-3 (deu), perhaps with a script (srp_Cyrl)"))
    .min(1)
    .optional(),
  identifier: z
    .strictObject({
      /** Characters of declared text that each language is learnt from. */
      trainingCharacters: z.int().min(200).max(1_000_000).default(16_000),
    })
    .prefault({}),
  quality: z
    .strictObject({
      minBytes: z.int().min(0).default(30),
      maxCharacters: z.int().min(1).default(1_000_000),
      maxSymbolShare: share.default(0.3),
      maxDigitShare: share.default(0.3),
      maxRepeatedLineShare: share.default(0.3),
      maxRepeatedRunShare: share.default(0.35),
    })
    .prefault({}),
  /** Personal identifiers to replace. */
  pii: z.array(z.enum(["email", "ip", "iban"])).default(["email", "ip", "iban"]),
  heldout: z.strictObject({ share: z.number().min(0).max(0.5).default(0.1) }).prefault({}),
  mix: z
    .array(
      z.strictObject({
        source: z.string().optional(),
        language: z
          .string()
          .regex(/^[a-z]{3}$/)
          .optional(),
        eachLanguage: z.boolean().optional(),
        maxBytes: z.int().min(0),
      }),
    )
    .default([]),
});

/** The settings with every default filled in. */
export type CleanConfig = z.infer<typeof cleanConfigSchema>;
