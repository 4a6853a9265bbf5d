/** @file What Firn's MCP tools read of a store, each anew at every question. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { openStore } from "../artifacts/index.ts";
import { FirnError, type Reporter } from "../core/index.ts";
import { collectRequests, Ledger, openRunTrace } from "../ledger/index.ts";
import { planSections } from "../planning/index.ts";
import { readRecipe } from "../recipes/index.ts";
import type { McpSources } from "../serve/index.ts";
import { newestOfStage } from "./find-artifact.ts";
import { planRecipeTraining } from "./plan-training.ts";
import { traceIndexDir } from "./release-run.ts";
import { touchesDomain } from "./requests.ts";
import { openRun } from "./run-tables.ts";
import { packageVersion } from "./version.ts";

/** `work`'s result, or undefined when the store does not hold what it looks for. */
async function ifThere<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FirnError && error.code === "CLI_NO_ARTIFACT") return undefined;
    throw error;
  }
}

export function mcpSources(storeDir: string, threads: number, report: Reporter): McpSources {
  const store = openStore(storeDir);
  return {
    version: packageVersion(),
    trace: () =>
      ifThere(async () => {
        const weights = await newestOfStage(store, "pretrain", "");
        return openRunTrace(await openRun(store, weights), traceIndexDir(store, weights));
      }),
    requests: async (domain) => {
      const requests = await collectRequests(Ledger.open(storeDir, report).facts());
      return { domain, requests: requests.filter((request) => touchesDomain(request, domain)) };
    },
    plan: async (name) => {
      const { recipe } = await readRecipe(name);
      return { recipe: recipe.name, sections: planSections(await planRecipeTraining(recipe, {}, threads)) };
    },
    evaluation: () =>
      ifThere(async () => {
        const { dir } = await newestOfStage(store, "evaluate", "");
        return JSON.parse(await readFile(path.join(dir, "summary.json"), "utf8")) as object;
      }),
  };
}
