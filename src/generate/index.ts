/** @file `firn/generate`: one interface for scoring and speaking, whatever runs the model. */
export * from "./language-model.ts";
