/** @file The stage that trains weights on tokens. */
import { openTokens } from "../../artifacts/index.ts";
import { FirnError, nearestName } from "../../core/index.ts";
import type { ModelConfig } from "../../model/index.ts";
import { defineStage } from "../../pipeline/index.ts";
import { trainingFlopsPerToken } from "../../planning/index.ts";
import { packStream, readWeights, runTraining, type TrainConfig } from "../../train/index.ts";

export interface PretrainStageConfig extends TrainConfig {
  /** The shape of the weights that come in, so that the plan can count before they exist. */
  readonly model: ModelConfig;
}

/** How often each document stands in an epoch; a source that no document has is a typing slip. */
function documentRepeats(repeats: TrainConfig["repeats"], sources: readonly string[]): Uint16Array {
  const known = [...new Set(sources)];
  for (const source of Object.keys(repeats)) {
    if (known.includes(source)) continue;
    const near = nearestName(source, known);
    throw new FirnError("RECIPE_UNKNOWN_SOURCE", {
      expected: `sources of the corpus (${known.join(", ")})`,
      got: source,
      where: "train.repeats",
      next: near === undefined ? "Name a source of the recipe." : `Did you mean ${near}?`,
    });
  }
  return Uint16Array.from(sources, (source) => repeats[source] ?? 1);
}

export const pretrain = defineStage({
  name: "pretrain",
  version: 1,
  inputs: { weights: "weights", tokens: "tokens" },
  output: "weights",
  resumable: true,
  estimate({ model, steps, batch, length }: PretrainStageConfig) {
    const tokens = steps * batch * length;
    return { tokens, flops: tokens * trainingFlopsPerToken(model, length) };
  },
  async run(context) {
    const { config, inputs, dir } = context;
    const { config: model, weights } = await readWeights(inputs.weights.dir);
    const tokens = await openTokens(inputs.tokens.dir, "train");
    const rows = await tokens.documents();
    const documents = { ids: tokens.ids, offsets: tokens.documentOffsets, names: rows.map(({ id }) => id) };
    const repeats = documentRepeats(
      config.repeats,
      rows.map(({ source }) => source),
    );
    return runTraining(
      {
        kind: "train",
        config,
        goldfish: config.goldfish,
        model,
        weights,
        documents,
        packing: packStream(documents, repeats, config.length, config.seed),
        flopsPerToken: trainingFlopsPerToken(model, config.length),
        dir,
      },
      context,
    );
  },
});
