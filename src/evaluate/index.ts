/** @file `firn/evaluate`: what a model has learnt, measured: bits per byte, languages by likelihood, memorisation, samples. */
export { documentBits, type ScoringWindow, scoringWindows } from "./bits-per-byte.ts";
export {
  type ChooseLinesOptions,
  type ChosenLines,
  chooseLanguageLines,
  type ParallelDocument,
} from "./choose-lines.ts";
export { brotliSize, gzipSize, packHeldOut, xzSize } from "./compressors.ts";
export { evaluateModel, type EvaluateModelOptions, evaluationFact } from "./evaluate-model.ts";
export { type HeldOutDocument, type HeldOutLimits, selectHeldOut } from "./held-out.ts";
export { type HeldOutBitsOptions, scoreHeldOut, type TokenDocuments, trainNgrams } from "./held-out-bits.ts";
export {
  identifyByLikelihood,
  type LanguageByLikelihoodOptions,
  type LanguageLine,
} from "./language-by-likelihood.ts";
export { measureMemorisation, type MemorisationOptions, probeCuts } from "./memorisation.ts";
export { NgramCounter, NgramModel } from "./ngram.ts";
export { renderEvaluation, type RenderOptions } from "./render.ts";
export { generateSamples, type SampleOptions, type SamplePrompt } from "./samples.ts";
export { type ScoreBatchOptions, scoreInBatches } from "./score-batches.ts";
export { fitText, frameDocument, type TextCodec } from "./text-codec.ts";
