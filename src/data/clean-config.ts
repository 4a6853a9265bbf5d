/** @file The settings of the data steps, as a recipe writes them. */
import { z } from "zod";
import { toxicitySchema } from "./classifier/config.ts";
import { decontaminateSchema } from "./decontaminate/config.ts";
import { APERTUS_MINHASH } from "./near-duplicates/minhash.ts";
import { DEFAULT_AGENTS, DEFAULT_SIGNALS, OPTOUT_SIGNALS } from "./optout/policy.ts";
import { probesSchema } from "./probes/config.ts";
import { qualitySchema } from "./quality/config.ts";
import { mixSchema } from "./mix-config.ts";
import { LANGUAGE_LABEL } from "./source-spec.ts";

const share = z.number().min(0).max(1);

const licenceList = z.array(z.string().min(1).max(200)).min(1).max(1000);

export const cleanConfigSchema = z.strictObject({
  /** Decides the held-out set and what a cap keeps. */
  seed: z.int().default(0),
  optOut: z
    .strictObject({
      /** What sites said on one day, as `firn optout fetch` wrote it; it counts for all crawls, whatever their date. */
      snapshot: z.string().min(1).optional(),
      /** Requests of people, one JSON line each: `{id, date, domain | urlPrefix | sha256}`. */
      requests: z.string().min(1).optional(),
      /** A page is left out when any of these may not fetch it; `*` stands for crawlers without rules of their own. */
      agents: z
        .array(z.string().regex(/^(\*|[A-Za-z0-9_-]{1,80})$/, "a product token such as GPTBot, or *"))
        .min(1)
        .max(1000)
        .default([...DEFAULT_AGENTS]),
      /** Signals that count beside requests. */
      signals: z.array(z.enum(OPTOUT_SIGNALS)).default([...DEFAULT_SIGNALS]),
    })
    .prefault({}),
  /** Licences to keep, by SPDX id (`NOASSERTION` for those that nobody can state); all of a kind when left out. */
  licences: z
    .strictObject({
      /** Of the compilation: what a source declares of itself. */
      compilation: licenceList.optional(),
      /** Of the content: what a document carries, or its source declares of its texts. */
      content: licenceList.optional(),
    })
    .refine(({ compilation, content }) => compilation !== undefined || content !== undefined, {
      message: "give compilation, content or both",
    })
    .optional(),
  /** Languages to keep: ISO 639-3, perhaps with a script (`srp_Cyrl`). All when left out. */
  languages: z
    .array(z.string().regex(LANGUAGE_LABEL, "ISO 639-3 (deu), perhaps with a script (srp_Cyrl)"))
    .min(1)
    .optional(),
  identifier: z
    .strictObject({
      /** Characters of declared text that each language is learnt from. */
      trainingCharacters: z.int().min(200).max(1_000_000).default(16_000),
      /** A fastText model (`.bin`, `.ftz`) that identifies instead of the one learnt from declared text. */
      fastText: z.string().min(1).optional(),
      /** Text without a declared language is `und` below this probability. */
      minScore: share.default(0.5),
      /** Other thresholds, by ISO 639-3. */
      thresholds: z.record(z.string().regex(/^[a-z]{3}$/), share).default({}),
    })
    .prefault({}),
  quality: qualitySchema.prefault({}),
  /** Leaves out the most toxic documents of each language. Off, unless labelled text or a model is given. */
  toxicity: toxicitySchema.optional(),
  /** Leaves out what evaluation sets hold; the defaults are those of Apertus' post-training data. */
  decontaminate: decontaminateSchema.optional(),
  /** Finds near-duplicates with MinHash; the defaults are Apertus'. Exact duplicates always go. */
  nearDuplicates: z
    .strictObject({
      /** Words per shingle. */
      words: z.int().min(1).max(50).default(APERTUS_MINHASH.words),
      bands: z.int().min(1).max(256).default(APERTUS_MINHASH.bands),
      /** Hashes per band: pairs of similarity (1/bands)^(1/rows) are found about half of the time. */
      rows: z.int().min(1).max(64).default(APERTUS_MINHASH.rows),
      /** Memory of the table of band keys; what does not fit takes more passes over files. */
      memoryMiB: z
        .int()
        .min(1)
        .max(1 << 20)
        .default(256),
    })
    .optional(),
  /** Personal identifiers to replace; telephone and card numbers only where asked for. */
  pii: z.array(z.enum(["email", "ip", "iban", "phone", "card"])).default(["email", "ip", "iban"]),
  heldout: z.strictObject({ share: z.number().min(0).max(0.5).default(0.1) }).prefault({}),
  /** How much of what goes into training, and how often it stands in one pass. */
  mix: mixSchema.prefault({}),
  /** Texts and canaries that are read a chosen number of times, to measure memorisation. */
  probes: probesSchema.optional(),
});

/** The settings with every default filled in. */
export type CleanConfig = z.infer<typeof cleanConfigSchema>;
