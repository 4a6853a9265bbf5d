/** @file The nouns at which `firn build --to` can end. */
export const TARGETS = ["documents", "tokenizer", "tokens", "weights", "evaluations", "release"] as const;
export type Target = (typeof TARGETS)[number];
