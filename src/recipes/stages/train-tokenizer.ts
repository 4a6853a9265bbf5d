/** @file The stage that trains the tokenizer on the documents. */
import { defineStage } from "../../pipeline/index.ts";
import { type TokenizerConfig, trainTokenizer } from "../../tokenizer/index.ts";

export const trainTokenizerStage = defineStage({
  name: "train-tokenizer",
  version: 2,
  inputs: { documents: "documents" },
  output: "tokenizer",
  estimate: ({ vocabSize }: TokenizerConfig) => ({ note: `${vocabSize} tokens` }),
  run: (context) =>
    trainTokenizer(context.config, { documentsDir: context.inputs.documents.dir, dir: context.dir }, context),
});
