/** @file `firn/generate`: one interface for scoring and speaking, whatever runs the model. */
export { Grammar, GrammarBuilder, literal } from "./grammar.ts";
export { JsonGrammarBuilder } from "./json-grammar.ts";
export * from "./language-model.ts";
export { LlamaModel, type LlamaModelOptions, openLlamaModel } from "./llama-model.ts";
export { LogitChanges, type LogitChangeOptions } from "./logit-changes.ts";
export { OnnxModel, type OnnxModelOptions } from "./onnx-model.ts";
export {
  knownLogprobs,
  type LogitView,
  type SamplingOptions,
  sampleToken,
  type TokenLogit,
} from "./sampler.ts";
export { schemaElement } from "./schema-grammar.ts";
export { GrammarConstraint, type TokenConstraint, TokenTable } from "./token-constraint.ts";
