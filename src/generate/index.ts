/** @file `firn/generate`: one interface for scoring and speaking, whatever runs the model. */
export * from "./language-model.ts";
export { LlamaModel, type LlamaModelOptions, openLlamaModel } from "./llama-model.ts";
export { OnnxModel, type OnnxModelOptions } from "./onnx-model.ts";
export {
  knownLogprobs,
  type LogitView,
  type SamplingOptions,
  sampleToken,
  type TokenLogit,
} from "./sampler.ts";
