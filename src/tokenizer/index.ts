/**
 * @file `firn/tokenizer`: byte-level BPE after Apertus: train, encode, decode, chat format, fairness. All but
 * `loadTokenizer`, `saveTokenizer`, `trainTokenizer` and `tokenizeDocuments` run in browsers too.
 */
export type {
  AssistantBlock,
  AssistantMessage,
  ChatMessage,
  ChatOptions,
  ChatTool,
  FunctionCall,
  SystemMessage,
  ToolCall,
  ToolMessage,
  ToolSchema,
  UserMessage,
} from "./chat-messages.ts";
export { chatTemplate, defaultSystemText } from "./chat-template.ts";
export { type PieceCounts, PieceCounter } from "./count-pieces.ts";
export type { StreamDecoder } from "./decode.ts";
export {
  type FairnessReport,
  fairnessOf,
  giniCoefficient,
  type LanguageFairness,
  measureFairness,
} from "./fairness.ts";
export { APERTUS_PATTERN, ApertusPreTokenizer, type PreTokenizer } from "./pretokenize.ts";
export { renderChat, type RenderedChat } from "./render-chat.ts";
export {
  type AddedToken,
  APERTUS_SPECIAL_BLOCK,
  NAMED_TOKENS,
  SPECIAL_IDS,
  specialBlock,
} from "./special-tokens.ts";
export {
  type SplitSummary,
  type TokenCounts,
  tokenizeDocuments,
  type TokenizeSummary,
} from "./tokenize-documents.ts";
export { loadTokenizer, type LoadedTokenizer, saveTokenizer, TOKENIZER_FILES } from "./tokenizer-files.ts";
export { parseTokenizerJson, tokenizerJson } from "./tokenizer-json.ts";
export { type DecodeOptions, type EncodeOptions, Tokenizer, type TokenizerModel } from "./tokenizer.ts";
export { type TrainedMerges, trainMerges, type TrainOptions } from "./train.ts";
export {
  type TokenizerConfig,
  tokenizerConfigSchema,
  tokenizerFromMerges,
  type TokenizerSummary,
  trainTokenizer,
} from "./train-tokenizer.ts";
