/** @file The stage that turns documents into tokens. */
import { defineStage } from "../../pipeline/index.ts";
import { tokenizeDocuments } from "../../tokenizer/index.ts";

/** Which parts of the documents become tokens. */
export interface TokenizeConfig {
  readonly splits: readonly ("train" | "heldout")[];
}

export const tokenize = defineStage({
  name: "tokenize",
  version: 3,
  inputs: { documents: "documents", tokenizer: "tokenizer" },
  output: "tokens",
  estimate: ({ splits }: TokenizeConfig) => ({ note: splits.join(", ") }),
  run: ({ config, inputs, dir, ...work }) =>
    tokenizeDocuments(
      {
        documentsDir: inputs.documents.dir,
        tokenizerDir: inputs.tokenizer.dir,
        dir,
        splits: config.splits,
      },
      work,
    ),
});
