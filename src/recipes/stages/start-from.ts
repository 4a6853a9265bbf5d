/**
 * @file Going on from somebody's weights: a Hugging Face folder of Apertus shape and its tokenizer take the place of fresh
 * weights and of a tokenizer of one's own. The fingerprints hold the files' hashes and none of their paths.
 */
import path from "node:path";
import { hashFile, weightsFiles } from "../../artifacts/index.ts";
import { canonicalJson, FirnError } from "../../core/index.ts";
import { type ModelConfig, parameterCount, readModelConfig } from "../../model/index.ts";
import { defineStage, stageNode, type StageNode } from "../../pipeline/index.ts";
import { loadTokenizer, saveTokenizer } from "../../tokenizer/index.ts";
import { checkWeights, readWeights, writeWeights } from "../../train/index.ts";

/** What training may change of a model: how positions are turned, how long a sequence may be, what ends an answer. */
const CHANGEABLE: ReadonlySet<string> = new Set([
  "ropeTheta",
  "ropeScaling",
  "contextLength",
  "eosIds",
  "initStd",
]);

function checkShape(model: ModelConfig, found: ModelConfig, folder: string): void {
  const keys = Object.keys(model) as (keyof ModelConfig)[];
  const different = keys.filter(
    (key) =>
      !CHANGEABLE.has(key) && canonicalJson(model[key] as never) !== canonicalJson(found[key] as never),
  );
  if (different.length === 0) return;
  const say = (config: ModelConfig): string =>
    different.map((key) => `${key} ${JSON.stringify(config[key])}`).join(", ");
  throw new FirnError("RECIPE_START_SHAPE", {
    expected: `weights of the recipe's shape: ${say(model)}`,
    got: say(found),
    where: path.join(folder, "config.json"),
    next: "Write these values into the recipe's `model` section (vocabSize: `tokenizer`).",
  });
}

/** SHA-256 of the files that hold the weights. */
async function weightsHash(folder: string): Promise<string[]> {
  const files = await weightsFiles(folder);
  return Promise.all(files.map(async (file) => (await hashFile(path.join(folder, file))).sha256));
}

/**
 * The nodes that take the place of `initialise` and `train-tokenizer`.
 * @throws FirnError `RECIPE_START_SHAPE`, `MODEL_CONFIG_UNREADABLE`, `TOKENIZER_FILE`
 */
export async function startNodes(
  folder: string,
  model: ModelConfig,
): Promise<{ weights: StageNode; tokenizer: StageNode }> {
  checkShape(model, await readModelConfig(folder), folder);
  const loaded = await loadTokenizer(folder);
  const weights = defineStage<{ model: ModelConfig; sha256: string[] }, Record<never, never>>({
    name: "start-from",
    version: 1,
    inputs: {},
    output: "weights",
    estimate: () => ({ bytes: 4 * parameterCount(model), note: "weights of a folder" }),
    async run(context) {
      const found = await readWeights(folder);
      checkWeights(found.weights, model);
      await writeWeights(context.dir, model, found.weights);
      const summary = { parameters: parameterCount(model), sha256: context.config.sha256 };
      context.fact("start-from", summary);
      return summary;
    },
  });
  const tokenizer = defineStage<{ sha256: string }, Record<never, never>>({
    name: "adopt-tokenizer",
    version: 1,
    inputs: {},
    output: "tokenizer",
    async run(context) {
      const sha256 = await saveTokenizer(loaded.tokenizer, context.dir);
      const summary = { vocabSize: model.vocabSize, sha256, from: context.config.sha256 };
      context.fact("adopt-tokenizer", summary);
      return summary;
    },
  });
  return {
    weights: stageNode("start-from", weights, { model, sha256: await weightsHash(folder) }, {}),
    tokenizer: stageNode("tokenizer", tokenizer, { sha256: loaded.sha256 }, {}),
  };
}
