/** @file `firn/tokenizer/browser`: the part of the room that runs in a page: no files, no threads, nothing of Node.js. */
export * from "./chat-messages.ts";
export { chatTemplate, defaultSystemText } from "./chat-template.ts";
export { type PieceCounts, PieceCounter } from "./count-pieces.ts";
export type { StreamDecoder } from "./decode.ts";
export * from "./fairness.ts";
export { APERTUS_PATTERN, PreTokenizer } from "./pretokenize.ts";
export * from "./render-chat.ts";
export * from "./special-tokens.ts";
export { parseTokenizerJson, tokenizerJson } from "./tokenizer-json.ts";
export * from "./tokenizer.ts";
export { type TrainedMerges, trainMerges, type TrainOptions } from "./train.ts";
