/**
 * @file What a recipe may say: one schema, composed of the rooms' own. Keys that are not here are refused. The
 * defaults of each section stand in the room that uses them; `docs/reference/recipe.md` is written from this file.
 */
import { z } from "zod";
import { cleanConfigSchema, sourceSpecSchema } from "../data/index.ts";
import { DEVICES } from "../planning/index.ts";
import { providerProfileSchema } from "../release/index.ts";
import { tokenizerConfigSchema } from "../tokenizer/index.ts";
import { FinetuneConfig, TrainConfig } from "../train/index.ts";
import { ModelSection } from "./model-section.ts";
import { ConversationsSection, EvaluateSection, ReleaseSection, SamplesSection } from "./sections.ts";

const name = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, "lower-case letters, digits, hyphens and points");

/** A source that this recipe tells about and cannot read: too large, or behind a licence. */
const DescribedSource = z.strictObject({
  id: name,
  title: z.string().min(1),
  url: z.url(),
  licence: z.string().min(1).optional(),
  licenceUnknownBecause: z.string().min(10).optional(),
  category: z.string().min(1),
  /** Tokens it offers, by the tokenizer of the recipe. */
  tokens: z.number().positive(),
});

/** Where and how a big recipe is meant to run; `firn plan` reads it. Planning checks the fields of a training setup. */
const PlanSection = z.looseObject({
  device: z.enum(Object.keys(DEVICES) as [string, ...string[]]),
});

export const recipeSchema = z.strictObject({
  name,
  description: z.string().min(1),
  /** Who answers for the model: printed on cards and legal papers. */
  provider: providerProfileSchema,
  sources: z.array(sourceSpecSchema).max(1000).default([]),
  describedSources: z.array(DescribedSource).max(1000).default([]),
  /** How documents are cleaned, chosen and split. */
  documents: cleanConfigSchema.prefault({}),
  tokenizer: tokenizerConfigSchema,
  model: ModelSection,
  /** A Hugging Face folder of Apertus shape to go on from, with its tokenizer, instead of fresh weights. */
  startFrom: z.string().min(1).max(4096).optional(),
  train: TrainConfig,
  /** Further pretraining at longer sequences, stage after stage (Apertus: 8k, 16k, 32k, 64k). */
  longContext: z
    .array(
      TrainConfig.extend({ ropeTheta: z.number().positive(), contextLength: z.int().min(8).max(1_048_576) }),
    )
    .max(16)
    .default([]),
  /** The small talk that fine-tuning learns from; without it the recipe ends with a base model. */
  conversations: ConversationsSection.optional(),
  finetune: FinetuneConfig.optional(),
  samples: SamplesSection.prefault({}),
  evaluate: EvaluateSection.prefault({}),
  /** Without it the line ends with evaluated weights. */
  release: ReleaseSection.optional(),
  plan: PlanSection.optional(),
});

/** A recipe with every default filled in. */
export type Recipe = z.infer<typeof recipeSchema>;
