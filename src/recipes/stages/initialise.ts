/** @file The stage that draws a model's first weights, so that "before training" is an artifact like any other. */
import { formatInteger } from "../../core/index.ts";
import { initialWeights, type ModelConfig, parameterCount } from "../../model/index.ts";
import { defineStage } from "../../pipeline/index.ts";
import { writeWeights } from "../../train/index.ts";

export interface InitialiseConfig {
  readonly model: ModelConfig;
  readonly seed: number;
}

export const initialise = defineStage({
  name: "initialise",
  version: 1,
  inputs: {},
  output: "weights",
  estimate: ({ model }: InitialiseConfig) => ({
    bytes: 4 * parameterCount(model),
    note: `${formatInteger(parameterCount(model))} parameters`,
  }),
  async run(context) {
    const { config, dir } = context;
    await writeWeights(dir, config.model, initialWeights(config.model, config.seed));
    const summary = { parameters: parameterCount(config.model), seed: config.seed };
    context.fact("initialise", summary);
    return summary;
  },
});
