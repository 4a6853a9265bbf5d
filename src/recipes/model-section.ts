/** @file The `model` section of a recipe: the shape of the decoder. What the tokenizer decides is not in it. */
import { z } from "zod";
import type { ModelConfig } from "../model/index.ts";

const size = z.int().min(1).max(1_048_576);
const positive = z.number().positive();

/** Defaults are what both Apertus models share (technical report §2.1, Table B.4; configuration on Hugging Face). */
export const ModelSection = z
  .strictObject({
    layers: z.int().min(1).max(1024),
    hiddenSize: size,
    heads: size,
    /** Key/value heads; divides `heads`. */
    kvHeads: size,
    /** Even; hiddenSize / heads unless given. */
    headDim: size.optional(),
    /** Width of the MLP, which is not gated. */
    ffnSize: size,
    /** Longest sequence in tokens. */
    contextLength: size,
    ropeTheta: positive.default(500_000),
    /** Llama-3 scaling, on from the first step as in Apertus; null for none. */
    ropeScaling: z
      .strictObject({
        factor: positive.default(8),
        lowFreqFactor: positive.default(1),
        highFreqFactor: positive.default(4),
        originalContext: size.default(8192),
      })
      .nullable()
      .prefault({}),
    normEps: positive.default(1e-5),
    initStd: positive.default(0.008944),
  })
  .superRefine((model, context) => {
    const headDim = model.headDim ?? model.hiddenSize / model.heads;
    if (!Number.isInteger(headDim) || headDim % 2 !== 0) {
      context.addIssue({
        code: "custom",
        path: ["headDim"],
        message: `the head width ${headDim} must be an even whole number`,
      });
    }
    if (model.heads % model.kvHeads !== 0) {
      context.addIssue({
        code: "custom",
        path: ["kvHeads"],
        message: `must divide the ${model.heads} heads`,
      });
    }
  });
export type ModelSection = z.infer<typeof ModelSection>;

/** The ids that Apertus' tokenizer gives `<s>`, `</s>` and `<pad>` (technical report §2.2). */
const SPECIAL = { bosId: 1, eosIds: [2], padId: 3 } as const;

/** The full configuration, for a tokenizer of `vocabSize` entries with Apertus' special tokens. */
export function modelConfig(section: ModelSection, vocabSize: number): ModelConfig {
  const { headDim, ...rest } = section;
  return { ...rest, headDim: headDim ?? section.hiddenSize / section.heads, vocabSize, ...SPECIAL };
}
