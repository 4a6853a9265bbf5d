/** @file The stage that trains weights on tokens. */
import { openTokens } from "../../artifacts/index.ts";
import { FirnError, nearestName } from "../../core/index.ts";
import type { ModelConfig, Weights } from "../../model/index.ts";
import { defineStage, type StageContext } from "../../pipeline/index.ts";
import { trainingFlopsPerToken } from "../../planning/index.ts";
import { loadTokenizer } from "../../tokenizer/index.ts";
import {
  packBlend,
  type Packing,
  packStream,
  readWeights,
  runTraining,
  timetable,
  type TokenDocuments,
  type TrainConfig,
} from "../../train/index.ts";
import { sampleWeights } from "../sample-weights.ts";
import type { SamplesSection } from "../sections.ts";

export interface PretrainStageConfig extends TrainConfig {
  /** The shape of the weights that come in, so that the plan can count before they exist. */
  readonly model: ModelConfig;
}

/** How often each document stands in an epoch: as the mix says, times the recipe's repeats of its source. */
function documentRepeats(
  repeats: TrainConfig["repeats"],
  { sources, repeats: mixed }: { readonly sources: readonly string[]; readonly repeats: readonly number[] },
): Uint16Array {
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
  return Uint16Array.from(sources, (source, i) => Math.min(0xffff, mixed[i]! * (repeats[source] ?? 1)));
}

/** Which documents stand where: by stages with their own mix, or all of them, epoch after epoch. */
function packingOf(
  config: TrainConfig,
  documents: TokenDocuments & { readonly sources: readonly string[]; readonly repeats: readonly number[] },
): Packing {
  const { dataStages, repeats, length, seed } = config;
  if (dataStages.length > 0)
    return packBlend(documents, dataStages, { length, seed, sequences: timetable(config).sequences });
  return packStream(documents, documentRepeats(repeats, documents), length, seed);
}

const inputs = { weights: "weights", tokens: "tokens", tokenizer: "tokenizer" } as const;

/**
 * The stage; on its way the model answers the prompts of `samples`, which go into the ledger. They are not in the
 * configuration: other prompts do not make other weights.
 */
export const pretrainStage = (samples: SamplesSection) =>
  defineStage({
    name: "pretrain",
    version: 6,
    inputs,
    output: "weights",
    resumable: true,
    estimate({ model, ...config }: PretrainStageConfig) {
      const tokens = timetable(config).sequences * config.length;
      return { tokens, flops: tokens * trainingFlopsPerToken(model, config.length) };
    },
    async run(context: StageContext<PretrainStageConfig, typeof inputs>) {
      const { config, inputs, dir, threads, signal } = context;
      const { config: before, weights } = await readWeights(inputs.weights.dir);
      // A stage that lengthens the context turns positions otherwise; nothing else of the model changes.
      const { ropeTheta, ropeScaling, contextLength } = config.model;
      const model = { ...before, ropeTheta, ropeScaling, contextLength };
      const tokens = await openTokens(inputs.tokens.dir, "train");
      const rows = await tokens.documents();
      const documents = {
        ids: tokens.ids,
        offsets: tokens.documentOffsets,
        names: rows.map(({ id }) => id),
        sources: rows.map(({ source }) => source),
        languages: rows.map(({ language }) => language),
        bytes: rows.map(({ bytes }) => bytes),
        repeats: rows.map(({ repeats }) => repeats),
      };
      const { tokenizer } = await loadTokenizer(inputs.tokenizer.dir);
      const look = async (step: number, current: Weights): Promise<void> => {
        const asked = { config: model, weights: current, tokenizer };
        const records = await sampleWeights(asked, samples, { name: `step ${step}`, threads, signal });
        context.fact("train-samples", {
          step,
          samples: records.map(({ prompt, text }) => ({ prompt, text })),
        });
      };
      return runTraining(
        {
          kind: "train",
          config,
          goldfish: config.goldfish,
          model,
          weights,
          documents,
          packing: packingOf(config, documents),
          flopsPerToken: trainingFlopsPerToken(model, config.length),
          dir,
          look: { times: samples.during, at: look },
        },
        context,
      );
    },
  });
