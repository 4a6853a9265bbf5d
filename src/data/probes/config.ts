/** @file The settings of memorisation probes, as a recipe writes them. */
import { z } from "zod";
import { CANARY_KINDS } from "../../artifacts/index.ts";

/** The buckets of Apertus' probes (technical report §3.2.4): four that are never seen, and twelve up to 128 times. */
const APERTUS_REPETITIONS = [0, 0, 0, 0, 1, 2, 3, 4, 8, 16, 24, 32, 48, 64, 96, 128];

const repetitions = z.array(z.int().min(0).max(10_000)).min(1).max(100);

export const probesSchema = z
  .strictObject({
    /** Texts of a source, each read as often as its bucket says; those of bucket 0 are kept out of everything. */
    texts: z
      .strictObject({
        source: z.string().min(1),
        repetitions: repetitions.default(APERTUS_REPETITIONS),
        perBucket: z.int().min(1).max(100_000).default(10),
        minBytes: z.int().min(1).default(2000),
      })
      .optional(),
    /** Made texts that stand nowhere else: some of every kind, length and repetition. */
    canaries: z
      .strictObject({
        kinds: z
          .array(z.enum(CANARY_KINDS))
          .min(1)
          .default([...CANARY_KINDS]),
        /** Lengths. */
        characters: z.array(z.int().min(16).max(100_000)).min(1).max(20).default([64, 256]),
        repetitions: repetitions.default([0, 1, 4, 16, 64]),
        each: z.int().min(1).max(1000).default(2),
        /** `same`: one text, read again. `different`: other words before it each time, as a hash of context sees it. */
        prefixes: z
          .array(z.enum(["same", "different"]))
          .min(1)
          .default(["same", "different"]),
        /** Unseen texts of every kind and length that a model's canaries are ranked among: 2^n − 1 resolve n bits of exposure. */
        references: z.int().min(0).max(100_000).default(255),
      })
      .optional(),
  })
  .refine(
    ({ texts, canaries }) => texts !== undefined || canaries !== undefined,
    "give texts, canaries or both",
  );
export type ProbesConfig = z.infer<typeof probesSchema>;
