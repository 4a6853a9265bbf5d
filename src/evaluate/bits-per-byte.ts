/**
 * @file Bits per byte: how many bits the model needs for each UTF-8 byte of text it has never seen. Unlike
 * perplexity it does not depend on the tokenizer, so models and compressors can be set side by side.
 */
import { assert } from "../core/index.ts";
import type { LanguageModel } from "../generate/index.ts";
import { type ScoreBatchOptions, scoreInBatches } from "./score-batches.ts";

/** A piece of a document that the model sees at once. */
export interface ScoringWindow {
  /** Index of the document. */
  readonly document: number;
  /** The window's tokens are `[start, end)` of the document … */
  readonly start: number;
  readonly end: number;
  /** … and the log-probabilities from this token on count; the ones before it are only context. */
  readonly scoredFrom: number;
}

/**
 * Cuts documents into windows of at most `contextLength` tokens. A document that fits is one window. Of a longer
 * one, the first window counts whole; each further window moves on by half a context and counts only what no
 * earlier window has counted, so that every token counts once and has at least half a context before it. The last
 * window ends where the document ends and reaches back as far as it can.
 */
export function scoringWindows(lengths: readonly number[], contextLength: number): ScoringWindow[] {
  assert(contextLength >= 2, "a context holds at least two tokens");
  const stride = Math.max(1, Math.floor(contextLength / 2));
  const windows: ScoringWindow[] = [];
  lengths.forEach((length, document) => {
    let counted = 1; // Token 0 (`<s>`) is given, never predicted.
    while (counted < length) {
      const end = counted === 1 ? Math.min(length, contextLength) : Math.min(length, counted + stride);
      windows.push({ document, start: Math.max(0, end - contextLength), end, scoredFrom: counted });
      counted = end;
    }
  });
  return windows;
}

/**
 * Σ −log2 p of every document's tokens after its first, in bits, one number per document.
 * @param documents framed token sequences (`<s>` … `</s>`).
 */
export async function documentBits(
  model: LanguageModel,
  documents: readonly (readonly number[])[],
  options: ScoreBatchOptions = {},
): Promise<Float64Array> {
  const windows = scoringWindows(
    documents.map((ids) => ids.length),
    model.contextLength,
  );
  // Summed in window order at the end: the order of calls must not change the last digit.
  const windowNats = new Float64Array(windows.length);
  await scoreInBatches(
    model,
    windows.map(({ document, start, end }) => documents[document]!.slice(start, end)),
    (index, logprobs) => {
      const { start, end, scoredFrom } = windows[index]!;
      for (let token = scoredFrom; token < end; token++) windowNats[index]! -= logprobs[token - start]!;
    },
    options,
  );
  const bits = new Float64Array(documents.length);
  windows.forEach(({ document }, index) => {
    bits[document]! += windowNats[index]! / Math.LN2;
  });
  return bits;
}
