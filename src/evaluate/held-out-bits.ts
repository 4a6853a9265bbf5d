/** @file Held-out text in bits: the model, and the counting models it has to beat, on the very same tokens. */
import type { HeldOutTextRecord } from "../artifacts/index.ts";
import type { Work } from "../core/index.ts";
import type { LanguageModel } from "../generate/index.ts";
import { documentBits } from "./bits-per-byte.ts";
import type { HeldOutDocument } from "./held-out.ts";
import { NgramCounter, type NgramModel } from "./ngram.ts";
import { frameDocument, type TextCodec } from "./text-codec.ts";

/** Documents as framed token sequences (`<s>` … `</s>`), from memory or from a stream. */
export type TokenDocuments = Iterable<ArrayLike<number>> | AsyncIterable<ArrayLike<number>>;

/** Counts the training tokens into the unigram and the bigram model. */
export async function trainNgrams(
  vocabSize: number,
  documents: TokenDocuments,
  signal?: AbortSignal,
): Promise<NgramModel> {
  const counter = new NgramCounter(vocabSize);
  for await (const ids of documents) {
    signal?.throwIfAborted();
    counter.add(ids);
  }
  return counter.finish();
}

export interface HeldOutBitsOptions {
  readonly model: LanguageModel;
  readonly codec: TextCodec;
  readonly documents: readonly HeldOutDocument[];
  readonly ngrams: NgramModel;
  /** See `ScoreBatchOptions`. */
  readonly batchTokens?: number;
}

/**
 * One record per document. A document is scored as `<s> text </s>`: the text and `</s>` are predicted, `<s>` is
 * given, and the bits of `</s>` are charged to the text's bytes. Long documents go through in windows, see
 * `scoringWindows`.
 */
export async function scoreHeldOut(
  options: HeldOutBitsOptions,
  work: Pick<Work, "report" | "signal">,
): Promise<HeldOutTextRecord[]> {
  const { model, codec, documents, ngrams, batchTokens } = options;
  const framed = documents.map((document) => frameDocument(codec, document.text));
  const progress = work.report.task("held-out text", 100, "%");
  const bits = await documentBits(model, framed, {
    ...(batchTokens === undefined ? {} : { batchTokens }),
    signal: work.signal,
    onProgress: (done, total) => progress.update((100 * done) / total),
  });
  const records = documents.map((document, index): HeldOutTextRecord => {
    const counted = ngrams.documentBits(framed[index]!);
    return {
      task: "bits-per-byte",
      example: document.id,
      language: document.language,
      source: document.source,
      bytes: Buffer.byteLength(document.text),
      tokens: framed[index]!.length - 1,
      modelBits: bits[index]!,
      unigramBits: counted.unigram,
      bigramBits: counted.bigram,
    };
  });
  progress.finish();
  return records;
}
