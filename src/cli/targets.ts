/** @file The nouns at which `firn build --to` can end. */
export const TARGETS = ["documents", "tokenizer", "tokens", "weights", "evaluations"] as const;
export type Target = (typeof TARGETS)[number];
