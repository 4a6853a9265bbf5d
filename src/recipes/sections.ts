/** @file The sections of a recipe that belong to no single room: conversations, samples, evaluation, release. */
import { z } from "zod";
import { DEVICE_NAMES } from "../engine/index.ts";
import { GGUF_FILE_TYPES } from "../release/index.ts";

const count = z.int().min(1).max(1_000_000);

export const ConversationsSection = z.strictObject({
  seed: z.int().min(0).default(28),
  /** Share of the questions of each skill that training never sees. */
  heldOutShare: z.number().min(0).max(0.5).default(0.12),
  /** Conversations of several turns, as a share of those of one turn. */
  multiTurnShare: z.number().min(0).max(1).default(0.3),
  /** Held-out conversations per skill at most. */
  heldOutPerSkill: count.default(64),
});
export type ConversationsSection = z.infer<typeof ConversationsSection>;

/** The talk's own sentence, and one line in several scripts. */
const PROMPTS = [
  { language: "deu", text: "Die Sonne scheint hell am" },
  { language: "eng", text: "Once upon a time" },
  { language: "fra", text: "Tout individu a droit à" },
  { language: "rus", text: "Каждый человек имеет право на" },
  { language: "arb", text: "لكل شخص الحق في" },
  { language: "cmn", text: "人人有权" },
];

export const SamplesSection = z.strictObject({
  prompts: z
    .array(
      z.strictObject({
        language: z.string().regex(/^[a-z]{3}$/, "ISO 639-3, e.g. deu"),
        text: z.string().min(1).max(500),
      }),
    )
    .min(1)
    .max(100)
    .default(PROMPTS),
  maxTokens: z.int().min(1).max(80).default(32),
  temperature: z.number().min(0).max(5).default(0.7),
  seed: z.int().min(0).default(28),
  /** How often the model is asked while it is pretrained, besides before and after; the page of the run shows it. */
  during: z.int().min(0).max(1000).default(4),
});
export type SamplesSection = z.infer<typeof SamplesSection>;

/** How memorisation is measured where `documents.probes` puts probes into the corpus. */
export const MemorisationSection = z.strictObject({
  /**
   * Tokens given of a text before it is to be continued; those that leave as many to compare, or `suffixTokens`, inside the
   * text and the context. Canaries are cut in the middle. Apertus' values.
   */
  prefixTokens: z
    .array(z.int().min(1).max(1_000_000))
    .min(1)
    .max(50)
    .default([50, 100, 250, 500, 1000, 2000, 3000, 4000, 5000]),
  /** Tokens of the continuation that are compared at most. */
  suffixTokens: z.int().min(1).max(100_000).default(500),
  /** Probes of one kind, length, prefix and repetition count that are continued at most. */
  perBucket: count.default(100),
});
export type MemorisationSection = z.infer<typeof MemorisationSection>;

export const EvaluateSection = z.strictObject({
  seed: z.int().min(0).default(28),
  /** Where held-out text is scored; like `train.device`. */
  device: z.enum(DEVICE_NAMES).default("cpu"),
  /** UTF-8 bytes of one held-out document, and of one language, that are scored at most. */
  documentBytes: z.int().min(64).default(16_384),
  languageBytes: z.int().min(64).default(65_536),
  /** How many languages are told apart by likelihood, and how many unseen lines of each are asked. */
  languages: z.int().min(2).max(1000).default(24),
  linesPerLanguage: count.default(12),
  /** Whether and how probes are measured; null leaves them out. */
  memorisation: MemorisationSection.nullable().prefault({}),
});
export type EvaluateSection = z.infer<typeof EvaluateSection>;

export const ReleaseSection = z.strictObject({
  /** What the released model is called, in files and on papers; the recipe's name unless given. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/, "letters, digits, dots, hyphens and underscores")
    .optional(),
  version: z.string().min(1).max(50).default("1.0"),
  /** Day of the release as papers print it. Written down, so that the same recipe gives the same papers. */
  date: z.iso.date(),
  /** SPDX expression for the weights. */
  licence: z.string().min(1).max(200).default("Apache-2.0"),
  /** Number format of `model.safetensors`. */
  dtype: z.enum(["float32", "bfloat16"]).default("float32"),
  /** GGUF files to write; the first is what `firn serve` opens. Q4_K (Q4_K_M) is written by llama.cpp's own quantiser. */
  gguf: z.array(z.enum(GGUF_FILE_TYPES)).min(1).default(["F32"]),
});
export type ReleaseSection = z.infer<typeof ReleaseSection>;
