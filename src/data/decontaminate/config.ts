/** @file The settings of decontamination, as a recipe writes them. */
import { z } from "zod";
import { TABLE_FILE } from "../table-rows.ts";

const file = z.string().regex(TABLE_FILE, "a .jsonl (.gz, .zst) or .parquet file");

export const decontaminateSchema = z.strictObject({
  /** Evaluation sets that nothing to train on may hold. */
  sets: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(200),
        path: z.union([file, z.array(file).min(1).max(10_000)]),
        /** Columns that make up an item: the question, perhaps its choices; not what many items share. */
        fields: z.array(z.string().min(1)).min(1).max(20).default(["question"]),
      }),
    )
    .min(1)
    .max(10_000),
  /** A shared run of this many tokens makes an item worth comparing … */
  ngram: z.int().min(4).max(64).default(8),
  /** … matching blocks of at least this many tokens are added up … */
  minBlock: z.int().min(1).max(64).default(5),
  /** … and the document goes when they are at least this share of the item. */
  minShare: z.number().min(0.05).max(1).default(0.5),
});

export type DecontaminateConfig = z.infer<typeof decontaminateSchema>;
