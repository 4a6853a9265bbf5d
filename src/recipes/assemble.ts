/** @file From a recipe to its tree of stages: the only place where stages meet. */
import path from "node:path";
import { FirnError } from "../core/index.ts";
import { remoteAccess, resolveClean, resolveSource } from "../data/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { stageNode, type StageNode } from "../pipeline/index.ts";
import { modelConfig } from "./model-section.ts";
import type { RecipeFile } from "./read-recipe.ts";
import type { Recipe } from "./schema.ts";
import { acquireNode } from "./stages/acquire.ts";
import { cleanNode } from "./stages/clean.ts";
import { conversations } from "./stages/conversations.ts";
import { evaluateNode } from "./stages/evaluate.ts";
import { finetune } from "./stages/finetune.ts";
import { initialise } from "./stages/initialise.ts";
import { pretrainStage } from "./stages/pretrain.ts";
import { releaseNode } from "./stages/release.ts";
import { startNodes } from "./stages/start-from.ts";
import { samples } from "./stages/samples.ts";
import { tokenize } from "./stages/tokenize.ts";
import { trainTokenizerStage } from "./stages/train-tokenizer.ts";

/** The boxes of a recipe by what they are for, so that summaries can find them. */
export interface RecipeNodes {
  readonly sources: readonly StageNode[];
  readonly documents: StageNode;
  readonly tokenizer: StageNode;
  readonly tokens: StageNode;
  readonly samplesBefore: StageNode;
  readonly base: StageNode;
  readonly samplesAfter: StageNode;
  /** Undefined where the recipe ends with a base model. */
  readonly chat: StageNode | undefined;
  readonly evaluations: StageNode;
  /** Undefined where the recipe has no `release` section. */
  readonly release: StageNode | undefined;
}

/** The decoder that a recipe asks for, with the vocabulary of its tokenizer. */
export function recipeModel(recipe: Recipe): ModelConfig {
  return modelConfig(recipe.model, recipe.tokenizer.vocabSize);
}

function checkBuildable({ recipe, file }: RecipeFile): void {
  if (recipe.sources.length === 0) {
    throw new FirnError("RECIPE_NO_SOURCES", {
      expected: "sources that Firn can read",
      got:
        recipe.describedSources.length === 0
          ? "a recipe without sources"
          : `${recipe.describedSources.length} sources that are only described`,
      where: file,
      next:
        recipe.describedSources.length === 0
          ? "Add a source, e.g. `- { folder: ./my-texts, licence: CC-BY-4.0 }`."
          : `This recipe is for planning: run \`firn plan ${recipe.name}\`, or start from nano.`,
    });
  }
  const ids = recipe.sources.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) {
    throw new FirnError("RECIPE_SOURCE_TWICE", {
      expected: "sources with different ids",
      got: `two called \`${twice}\``,
      where: file,
      next: "Give one of them another `id`: document ids begin with it.",
    });
  }
  if ((recipe.conversations === undefined) !== (recipe.finetune === undefined)) {
    throw new FirnError("RECIPE_INCOMPLETE", {
      expected: "`conversations` and `finetune` together, or neither",
      got: recipe.finetune === undefined ? "`conversations` alone" : "`finetune` alone",
      where: file,
      next: "Add the other section (an empty `conversations: {}` takes the defaults), or remove this one for a base model.",
    });
  }
}

/** Pretraining, and the stages that lengthen the context, each from the weights of the one before. */
function pretrainNodes(
  recipe: Recipe,
  model: ModelConfig,
  start: StageNode,
  from: { readonly tokens: StageNode; readonly tokenizer: StageNode },
): StageNode {
  const pretrain = pretrainStage(recipe.samples);
  const first = stageNode("pretrain", pretrain, { ...recipe.train, model }, { weights: start, ...from });
  return recipe.longContext.reduce((weights, { ropeTheta, contextLength, ...train }) => {
    const config = { ...train, model: { ...model, ropeTheta, contextLength } };
    return stageNode(`context ${contextLength}`, pretrain, config, { weights, ...from });
  }, first);
}

/**
 * Finds and hashes the recipe's sources and wires its stages. Of sources on the Hugging Face Hub only lists are fetched, and
 * small files of which it keeps no hash.
 * @throws FirnError `RECIPE_NO_SOURCES`, `RECIPE_SOURCE_TWICE`, `RECIPE_INCOMPLETE` and those of `resolveSource` and `resolveClean`
 */
export async function assemble(
  from: RecipeFile,
  signal: AbortSignal = new AbortController().signal,
): Promise<RecipeNodes> {
  checkBuildable(from);
  const { recipe, baseDir } = from;
  const model = recipeModel(recipe);
  const sources = new Map<string, StageNode>();
  const access = remoteAccess(process.env, signal);
  for (const spec of recipe.sources) {
    sources.set(spec.id, acquireNode(await resolveSource(spec, baseDir, access)));
  }

  const documents = cleanNode(await resolveClean(recipe.documents, baseDir), sources);
  const adopted =
    recipe.startFrom === undefined
      ? undefined
      : await startNodes(path.resolve(baseDir, recipe.startFrom), model);
  const tokenizer =
    adopted?.tokenizer ?? stageNode("tokenizer", trainTokenizerStage, recipe.tokenizer, { documents });
  const tokens = stageNode("tokens", tokenize, { splits: ["train", "heldout"] }, { documents, tokenizer });
  const start =
    adopted?.weights ?? stageNode("initialise", initialise, { model, seed: recipe.train.seed }, {});
  const { during: _, ...asked } = recipe.samples;
  const sampleNode = (title: string, weights: StageNode): StageNode =>
    stageNode(`samples ${title}`, samples, { title, ...asked }, { weights, tokenizer });
  const base = pretrainNodes(recipe, model, start, { tokens, tokenizer });

  let chat: StageNode | undefined;
  let talk: StageNode | undefined;
  if (recipe.conversations !== undefined && recipe.finetune !== undefined) {
    talk = stageNode("conversations", conversations, recipe.conversations, { documents });
    const config = { ...recipe.finetune, model };
    chat = stageNode("finetune", finetune, config, { weights: base, tokenizer, conversations: talk });
  }
  const { memorisation, ...evaluate } = recipe.evaluate;
  const evaluations = evaluateNode(
    {
      ...evaluate,
      ...(recipe.documents.probes === undefined || memorisation === null
        ? {}
        : {
            memorisation: {
              ...memorisation,
              goldfish: recipe.train.goldfish?.k ?? null,
              readInOneRun: recipe.longContext.length === 0,
            },
          }),
      samples: asked,
      chatLength: recipe.finetune?.length ?? recipe.train.length,
    },
    {
      weights: base,
      tokenizer,
      documents,
      tokens,
      ...(chat === undefined || talk === undefined ? {} : { chat, conversations: talk }),
    },
  );
  return {
    sources: [...sources.values()],
    documents,
    tokenizer,
    tokens,
    samplesBefore: sampleNode("before training", start),
    base,
    samplesAfter: sampleNode("after training", base),
    chat,
    evaluations,
    release:
      recipe.release === undefined
        ? undefined
        : releaseNode(
            { ...recipe.release, name: recipe.release.name ?? recipe.name, provider: recipe.provider },
            { weights: chat ?? base, tokenizer, evaluations, documents, tokens },
          ),
  };
}
