/** @file The whole evaluation of one base model: every task in turn, with progress, facts and the artifact. */
import { type EvaluationRecord, type EvaluationSummary, writeEvaluations } from "../artifacts/index.ts";
import type { Json, Work } from "../core/index.ts";
import type { LanguageModel } from "../generate/index.ts";
import type { ChosenLines } from "./choose-lines.ts";
import { packHeldOut } from "./compressors.ts";
import type { HeldOutDocument } from "./held-out.ts";
import { scoreHeldOut, type TokenDocuments, trainNgrams } from "./held-out-bits.ts";
import { identifyByLikelihood } from "./language-by-likelihood.ts";
import { generateSamples, type SamplePrompt } from "./samples.ts";
import { measureMemorisation, type MemorisationOptions } from "./memorisation.ts";
import type { TextCodec } from "./text-codec.ts";

export interface EvaluateModelOptions {
  readonly model: LanguageModel;
  readonly codec: TextCodec;
  /** Text that training has not seen, already bounded by `selectHeldOut`. */
  readonly heldOut: readonly HeldOutDocument[];
  /** The training tokens, for the counting models. */
  readonly trainingTokens: TokenDocuments;
  /** From `chooseLanguageLines`; with fewer than two candidates the task is left out. */
  readonly languageLines: ChosenLines;
  /** The data pipeline's language identifier. */
  readonly identify: (text: string) => string;
  readonly prompts: readonly SamplePrompt[];
  /** Left out where the corpus has no probes. */
  readonly memorisation?: MemorisationOptions;
  readonly seed: number;
  /** Tokens in one call to the model. Default: 8,192. */
  readonly batchTokens?: number;
}

/**
 * Runs every task and writes the evaluations artifact into `dir`. Further records of the same model (a chat
 * model's conversations) can be given in `more`. Records the fact `evaluate`.
 * @returns the summary that was written.
 */
export async function evaluateModel(
  options: EvaluateModelOptions,
  dir: string,
  work: Work,
  more: readonly EvaluationRecord[] = [],
): Promise<EvaluationSummary> {
  const { model, codec, heldOut, languageLines } = options;
  const batch = options.batchTokens === undefined ? {} : { batchTokens: options.batchTokens };
  const { signal } = work;
  const ngrams = await trainNgrams(model.vocabSize, options.trainingTokens, signal);
  const records: EvaluationRecord[] = [];
  records.push(...(await scoreHeldOut({ model, codec, documents: heldOut, ngrams, ...batch }, work)));
  const packing = work.report.task("gzip, xz, brotli", 100, "%");
  const onProgress = (done: number, total: number): void => packing.update((100 * done) / total);
  records.push(...(await packHeldOut(heldOut, { signal, onProgress })));
  packing.finish();
  if (languageLines.contexts.length >= 2) {
    const progress = work.report.task("language by likelihood", 100, "%");
    const scored = await identifyByLikelihood({
      model,
      codec,
      contexts: languageLines.contexts,
      lines: languageLines.lines,
      identify: options.identify,
      ...batch,
      signal,
      onProgress: (done, total) => progress.update((100 * done) / total),
    });
    progress.finish();
    records.push(...scored);
  }
  records.push(...(await generateSamples(model, codec, options.prompts, { seed: options.seed, signal })));
  if (options.memorisation !== undefined) {
    records.push(...(await measureMemorisation(model, codec, { ...options.memorisation, ...batch }, work)));
  }
  records.push(...more);
  const summary = await writeEvaluations(dir, records);
  work.fact("evaluate", evaluationFact(summary));
  return summary;
}

/** What the ledger keeps of an evaluation: every figure, without the sampled texts. */
export function evaluationFact(summary: EvaluationSummary): Json {
  const { samples, ...figures } = summary;
  return { ...figures, samples: samples.length } as unknown as Json;
}
