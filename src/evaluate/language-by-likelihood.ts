/**
 * @file Which language is this line? Asked of a model that was never trained to say so: "a strong generative model
 * has discriminative capabilities". Every candidate language is given one line of it as context, the same line in
 * translation where the data allows; the candidate whose context makes the unseen line likeliest wins (Bayes' rule
 * with equal priors, the context standing for the language).
 */
import type { LanguageByLikelihoodRecord } from "../artifacts/index.ts";
import { FirnError } from "../core/index.ts";
import type { LanguageModel } from "../generate/index.ts";
import { type ScoreBatchOptions, scoreInBatches } from "./score-batches.ts";
import { fitText, type TextCodec } from "./text-codec.ts";

export interface LanguageLine {
  readonly id: string;
  readonly language: string;
  readonly text: string;
}

export interface LanguageByLikelihoodOptions extends ScoreBatchOptions {
  readonly model: LanguageModel;
  readonly codec: TextCodec;
  /** One training line for each candidate language. */
  readonly contexts: readonly LanguageLine[];
  /** Unseen lines, each in one of the candidate languages. */
  readonly lines: readonly LanguageLine[];
  /** The data pipeline's identifier, asked about the same text; `und` when it cannot tell. */
  readonly identify: (text: string) => string;
  /** Tokens taken of a context (its beginning). Default: 48. */
  readonly contextTokens?: number;
  /** Tokens taken of a line (its beginning). Default: 48. */
  readonly lineTokens?: number;
}

/**
 * Scores every line after every context. Cost: lines × candidates sequences of at most
 * `contextTokens + lineTokens + 2` tokens.
 * @throws FirnError `EVALUATE_NO_CANDIDATES` with fewer than two candidate languages.
 */
export async function identifyByLikelihood(
  options: LanguageByLikelihoodOptions,
): Promise<LanguageByLikelihoodRecord[]> {
  const { model, codec, contexts } = options;
  const room = Math.floor((model.contextLength - 2) / 2);
  const newline = codec.encode("\n");
  const prefixes = contexts.map(({ text }) => {
    const fitted = fitText(codec, text, Math.min(options.contextTokens ?? 48, room - newline.length));
    return [codec.bosId, ...codec.encode(fitted), ...newline];
  });
  if (new Set(contexts.map(({ language }) => language)).size < 2 || room <= newline.length) {
    throw new FirnError("EVALUATE_NO_CANDIDATES", {
      expected: "context lines of at least two languages, and a context length with room for them",
      got: `${contexts.length} context lines and a context of ${model.contextLength} tokens`,
      next: "Train on more languages, or leave this task out.",
    });
  }
  const asked = options.lines.map((line) => {
    const text = fitText(codec, line.text, Math.min(options.lineTokens ?? 48, room));
    return { line, text, ids: codec.encode(text) };
  });
  const sequences = asked.flatMap(({ ids }) => prefixes.map((prefix) => [...prefix, ...ids]));
  const totals = new Float64Array(sequences.length);
  await scoreInBatches(
    model,
    sequences,
    (index, logprobs) => {
      const prefix = prefixes[index % prefixes.length]!;
      for (let i = prefix.length; i < logprobs.length; i++) totals[index]! += logprobs[i]!;
    },
    options,
  );
  return asked.map(({ line, text }, row) => {
    const logprobs: Record<string, number> = {};
    let best = 0;
    contexts.forEach(({ language }, column) => {
      const total = totals[row * contexts.length + column]!;
      logprobs[language] = total;
      if (total > totals[row * contexts.length + best]!) best = column;
    });
    return {
      task: "language-by-likelihood",
      example: line.id,
      language: line.language,
      predicted: contexts[best]!.language,
      identified: options.identify(text),
      logprobs,
    };
  });
}
