/** @file Many sequences through `LanguageModel.score` in calls of bounded size, neighbours of like length. */
import type { LanguageModel } from "../generate/index.ts";

export interface ScoreBatchOptions {
  /** Tokens in one call, padding included, unless a single sequence is longer. Default: 8,192. */
  readonly batchTokens?: number;
  /** Checked between calls; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Told after every call how many tokens of how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Calls `take(index, logprobs)` once for every sequence, longest first. Results are handed over call by call, so
 * that only one call's worth of them is in memory.
 */
export async function scoreInBatches(
  model: LanguageModel,
  sequences: readonly (readonly number[])[],
  take: (index: number, logprobs: Float64Array) => void,
  options: ScoreBatchOptions = {},
): Promise<void> {
  const batchTokens = options.batchTokens ?? 8192;
  const order = sequences.map((_, index) => index);
  order.sort((a, b) => sequences[b]!.length - sequences[a]!.length || a - b);
  const total = sequences.reduce((tokens, sequence) => tokens + sequence.length, 0);
  let done = 0;
  for (let from = 0; from < order.length; ) {
    options.signal?.throwIfAborted();
    const width = Math.max(1, sequences[order[from]!]!.length);
    const batch = order.slice(from, from + Math.max(1, Math.floor(batchTokens / width)));
    const scored = await model.score(batch.map((index) => sequences[index]!));
    batch.forEach((index, row) => take(index, scored[row]!));
    done += batch.reduce((tokens, index) => tokens + sequences[index]!.length, 0);
    options.onProgress?.(done, total);
    from += batch.length;
  }
}
