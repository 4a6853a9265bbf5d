/**
 * @file `firn/tokenizer`: byte-level BPE after Apertus: train, encode, decode, chat format, fairness. What runs in
 * browsers too is `firn/tokenizer/browser`; the rest needs files and threads.
 */
export * from "./browser.ts";
export { countCorpus, type CorpusText } from "./count-corpus.ts";
export { PieceTotals, type TotalOptions } from "./piece-totals.ts";
export * from "./tokenize-documents.ts";
export * from "./tokenizer-files.ts";
export * from "./train-tokenizer.ts";
