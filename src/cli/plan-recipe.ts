/** @file A recipe's plan with times for this machine: what `build` prints first and `plan` prints alone. */
import { openStore, type Store } from "../artifacts/index.ts";
import type { Reporter } from "../core/index.ts";
import { type Plan, plan, type StageNode } from "../pipeline/index.ts";
import { trainingFlopsPerToken } from "../planning/index.ts";
import {
  assemble,
  estimateSeconds,
  measureTrainingStep,
  needsRate,
  type RecipeFile,
  recipeModel,
  type RecipeNodes,
} from "../recipes/index.ts";
import type { Target } from "./targets.ts";

export interface RecipePlan {
  readonly nodes: RecipeNodes;
  readonly store: Store;
  readonly plan: Plan;
  /** Seconds of one training step here; undefined where nothing has to be trained. */
  readonly stepSeconds: number | undefined;
}

/** The boxes that make `target`, in the order in which people want to see them run. */
export function nodesFor(nodes: RecipeNodes, target: Target | undefined): StageNode[] {
  const weights = [
    nodes.samplesBefore,
    nodes.base,
    nodes.samplesAfter,
    ...(nodes.chat === undefined ? [] : [nodes.chat]),
  ];
  switch (target) {
    case "documents":
      return [nodes.documents];
    case "tokenizer":
      return [nodes.tokenizer];
    case "tokens":
      return [nodes.tokens];
    case "weights":
      return weights;
    case "evaluations":
      return [...weights, nodes.evaluations];
    case "release":
    case undefined:
      return [...weights, nodes.evaluations, ...(nodes.release === undefined ? [] : [nodes.release])];
  }
}

/** Assembles the recipe, looks into the store, and times one training step if any training has to run. */
export async function planRecipe(
  from: RecipeFile,
  options: {
    readonly storeDir: string;
    readonly target: Target | undefined;
    readonly threads: number;
    readonly report: Reporter;
    readonly signal: AbortSignal;
  },
): Promise<RecipePlan> {
  const nodes = await assemble(from, options.signal);
  const store = openStore(options.storeDir);
  const bare = await plan(nodesFor(nodes, options.target), store);
  if (!needsRate(bare)) return { nodes, store, plan: bare, stepSeconds: undefined };
  options.report.line("Timing a few training steps on this machine …");
  const { train } = from.recipe;
  const model = recipeModel(from.recipe);
  const stepSeconds = await measureTrainingStep(model, train, options.threads);
  const flops = train.batch * train.length * trainingFlopsPerToken(model, train.length);
  return { nodes, store, plan: estimateSeconds(bare, flops / stepSeconds), stepSeconds };
}
