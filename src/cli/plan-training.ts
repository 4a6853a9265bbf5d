/** @file What training a recipe would take: on this machine, measured, if it may run here; else on the recipe's devices. */
import { cpus, totalmem } from "node:os";
import { measureMatmulRate } from "../engine/index.ts";
import { planTraining, type TrainingPlan } from "../planning/index.ts";
import {
  measureTrainingStep,
  type MeasuredMachine,
  type Recipe,
  recipeModel,
  runsHere,
  type SetupOverrides,
  trainingSetup,
} from "../recipes/index.ts";

/** @param stepSeconds of one step here, where that has been measured before */
export async function planRecipeTraining(
  recipe: Recipe,
  place: SetupOverrides,
  threads: number,
  stepSeconds?: number,
): Promise<TrainingPlan> {
  let machine: MeasuredMachine | undefined;
  if (runsHere(recipe, place)) {
    machine = {
      name: cpus()[0]?.model.trim() ?? "this machine",
      matmulFlops: await measureMatmulRate(threads),
      memoryBytes: totalmem(),
      stepSeconds: stepSeconds ?? (await measureTrainingStep(recipeModel(recipe), recipe.train, threads)),
    };
  }
  return planTraining(recipe.name, recipeModel(recipe), trainingSetup(recipe, place, machine));
}
