/**
 * @file `firn/tokenizer`: byte-level BPE after Apertus: train, encode, decode, chat format, fairness. All but
 * `loadTokenizer`, `saveTokenizer`, `trainTokenizer` and `tokenizeDocuments` run in browsers too.
 */
export * from "./chat-messages.ts";
export { chatTemplate, defaultSystemText } from "./chat-template.ts";
export { type PieceCounts, PieceCounter } from "./count-pieces.ts";
export type { StreamDecoder } from "./decode.ts";
export * from "./fairness.ts";
export { APERTUS_PATTERN, ApertusPreTokenizer, type PreTokenizer } from "./pretokenize.ts";
export * from "./render-chat.ts";
export * from "./special-tokens.ts";
export * from "./tokenize-documents.ts";
export * from "./tokenizer-files.ts";
export { parseTokenizerJson, tokenizerJson } from "./tokenizer-json.ts";
export * from "./tokenizer.ts";
export { type TrainedMerges, trainMerges, type TrainOptions } from "./train.ts";
export * from "./train-tokenizer.ts";
