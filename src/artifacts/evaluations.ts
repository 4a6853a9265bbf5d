/**
 * @file Evaluations on disk: `records.jsonl` holds one record per (task, example), `summary.json` what they add up
 * to. The summary is a pure function of the records, so anybody can compute it again.
 */
import { join } from "node:path";
import { z } from "zod";
import { FirnError } from "../core/index.ts";
import { AtomicFile, writeJsonAtomic } from "./atomic.ts";
import { type EvaluationSummary, summariseEvaluation } from "./evaluation-summary.ts";
import { readJsonl } from "./jsonl.ts";
import { probeKindSchema, probePrefixesSchema } from "./probes.ts";

const count = z.int().nonnegative();
const bits = z.number().nonnegative();
/** ISO 639-3; `und` where nobody knows. */
const language = z.string().min(1).max(35);

const heldOutText = z.strictObject({
  task: z.literal("bits-per-byte"),
  /** Document id. */
  example: z.string(),
  language,
  source: z.string(),
  /** UTF-8 bytes of the text. */
  bytes: count,
  /** Predicted tokens: the text's and the closing `</s>`. */
  tokens: count,
  /** Σ −log2 p over the predicted tokens, by the model and by two counting models trained on the same tokens. */
  modelBits: bits,
  unigramBits: bits,
  bigramBits: bits,
});

const compression = z.strictObject({
  task: z.literal("compression"),
  /** The language whose documents were packed together, or `all`. */
  example: z.string(),
  /** UTF-8 bytes of the documents, as in the records of `bits-per-byte`. */
  bytes: count,
  /** Sizes after packing, in bytes. */
  gzip: count,
  xz: count,
  brotli: count,
});

const languageByLikelihood = z.strictObject({
  task: z.literal("language-by-likelihood"),
  /** Id of the line. */
  example: z.string(),
  language,
  /** The candidate under which the model finds the line likeliest. */
  predicted: language,
  /** What the data pipeline's identifier says; `und` when it cannot tell. */
  identified: language,
  /** Natural-log probability of the line after each candidate's context. */
  logprobs: z.record(z.string(), z.number()),
});

const sample = z.strictObject({
  task: z.literal("samples"),
  example: z.string(),
  language,
  prompt: z.string(),
  text: z.string(),
  tokens: count,
  /** Mean natural-log probability of the generated tokens. */
  meanLogprob: z.number(),
  /** Whether the model stopped by itself or was cut off. */
  ended: z.enum(["stop", "length"]),
});

const conversation = z.strictObject({
  task: z.literal("conversations"),
  example: z.string(),
  language,
  skill: z.string(),
  expected: z.string(),
  answer: z.string(),
  correct: z.boolean(),
});

const share = z.number().min(0).max(1);

const memorisation = z.strictObject({
  task: z.literal("memorisation"),
  /** Id of the probe, and what `probes.jsonl` says of it. */
  example: z.string(),
  kind: probeKindSchema,
  prefixes: probePrefixesSchema,
  repetitions: count,
  /** How often training read it: tokens of it that steps took over its length; null where that is not recorded. */
  timesRead: z.number().nonnegative().nullable(),
  /** Goldfish loss left out one label in so many; null: training learnt every label. */
  goldfish: z.number().min(1).nullable(),
  /** The likeliest tokens after the beginning of the probe, beside its true next tokens. */
  continuations: z.array(
    z.strictObject({
      /** Whether so many tokens were given as the recipe says, or the first half of a probe that is too short for that. */
      given: z.enum(["prefix", "half"]),
      prefixTokens: count,
      suffixTokens: count,
      /** Tokens that are right before the first wrong one. */
      matched: count,
      rougeL: share,
      lccs: share,
      ttr: share,
      trueTtr: share,
    }),
  ),
  /** −log2 p of the probe's tokens after `<s>`, as far as the context reaches, over their UTF-8 bytes. */
  bitsPerByte: bits,
  /** Unseen texts of its kind and length, and its place among them by bits per byte: 1 is the likeliest; null without any. */
  references: count,
  rank: z.int().min(1).nullable(),
});

const recordSchema = z.discriminatedUnion("task", [
  heldOutText,
  compression,
  languageByLikelihood,
  sample,
  conversation,
  memorisation,
]);

export type HeldOutTextRecord = Readonly<z.infer<typeof heldOutText>>;
export type CompressionRecord = Readonly<z.infer<typeof compression>>;
export type LanguageByLikelihoodRecord = Readonly<z.infer<typeof languageByLikelihood>>;
export type SampleRecord = Readonly<z.infer<typeof sample>>;
export type ConversationScoreRecord = Readonly<z.infer<typeof conversation>>;
export type MemorisationRecord = Readonly<z.infer<typeof memorisation>>;
export type EvaluationRecord =
  | HeldOutTextRecord
  | CompressionRecord
  | LanguageByLikelihoodRecord
  | SampleRecord
  | ConversationScoreRecord
  | MemorisationRecord;

const RECORDS = "records.jsonl";
const SUMMARY = "summary.json";

/** Writes the records and their summary into the artifact folder `dir`; returns the summary. */
export async function writeEvaluations(
  dir: string,
  records: readonly EvaluationRecord[],
): Promise<EvaluationSummary> {
  const file = await AtomicFile.create(join(dir, RECORDS));
  try {
    for (let from = 0; from < records.length; from += 256) {
      const lines = records.slice(from, from + 256).map((record) => `${JSON.stringify(record)}\n`);
      await file.write(lines.join(""));
    }
    await file.commit();
  } catch (error) {
    await file.abandon();
    throw error;
  }
  const summary = summariseEvaluation(records);
  await writeJsonAtomic(join(dir, SUMMARY), summary);
  return summary;
}

/**
 * The records of an evaluations artifact, in their order.
 * @throws FirnError `EVALUATE_BAD_RECORD` naming the first line that is not a record.
 */
export async function readEvaluations(dir: string): Promise<EvaluationRecord[]> {
  const path = join(dir, RECORDS);
  const records: EvaluationRecord[] = [];
  for await (const batch of readJsonl(path)) {
    for (const item of batch) {
      const parsed = "value" in item ? recordSchema.safeParse(item.value) : undefined;
      if (parsed?.success === true) {
        records.push(parsed.data);
        continue;
      }
      const issue = parsed?.error?.issues[0];
      throw new FirnError("EVALUATE_BAD_RECORD", {
        expected: "one evaluation record per line",
        got:
          "reason" in item
            ? item.detail
            : `${issue?.path.join(".") ?? "record"}: ${issue?.message ?? "unknown"}`,
        where: `${path}:${item.line}`,
        next: "The file was changed by hand or cut off; run the evaluation again.",
      });
    }
  }
  return records;
}
