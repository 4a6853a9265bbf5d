/** @file The stage that teaches a base model to answer in turns. */
import { readConversations } from "../../artifacts/index.ts";
import { encodeConversations } from "../../align/index.ts";
import type { ModelConfig } from "../../model/index.ts";
import { defineStage } from "../../pipeline/index.ts";
import { trainingFlopsPerToken } from "../../planning/index.ts";
import { loadTokenizer } from "../../tokenizer/index.ts";
import { type FinetuneConfig, packWhole, readWeights, runTraining, timetable } from "../../train/index.ts";

export interface FinetuneStageConfig extends FinetuneConfig {
  readonly model: ModelConfig;
}

/** Instruct models end at `</s>`, at the end of their turn, and after a tool call (Apertus-8B-Instruct config.json). */
const INSTRUCT_EOS = ["</s>", "<|assistant_end|>", "<|tools_suffix|>"] as const;

export const finetune = defineStage({
  name: "finetune",
  version: 4,
  inputs: { weights: "weights", tokenizer: "tokenizer", conversations: "conversations" },
  output: "weights",
  resumable: true,
  estimate({ model, ...config }: FinetuneStageConfig) {
    const tokens = timetable(config).sequences * config.length;
    return { tokens, flops: tokens * trainingFlopsPerToken(model, config.length) };
  },
  async run(context) {
    const { config, inputs, dir } = context;
    const base = await readWeights(inputs.weights.dir);
    const { tokenizer } = await loadTokenizer(inputs.tokenizer.dir);
    const model: ModelConfig = { ...base.config, eosIds: INSTRUCT_EOS.map((name) => tokenizer.idOf(name)) };
    const documents = encodeConversations(
      tokenizer,
      await readConversations(inputs.conversations.dir, "train"),
    );
    // The public summary counts the data of every stage, fine-tuning included.
    context.fact("finetune-data", { conversations: documents.names.length, tokens: documents.ids.length });
    return runTraining(
      {
        kind: "finetune",
        config,
        goldfish: null,
        model,
        weights: base.weights,
        documents,
        packing: packWhole(documents, config.length, config.seed),
        flopsPerToken: trainingFlopsPerToken(model, config.length),
        dir,
      },
      context,
    );
  },
});
