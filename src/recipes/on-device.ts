/** @file A recipe with everything that can be computed on an accelerator computed there. */
import type { DeviceName } from "../engine/index.ts";
import type { RecipeFile } from "./read-recipe.ts";

/** Training, fine-tuning and the scoring of evaluations on `device`, whatever the recipe says. */
export function onDevice(from: RecipeFile, device: DeviceName): RecipeFile {
  const { recipe } = from;
  return {
    ...from,
    recipe: {
      ...recipe,
      train: { ...recipe.train, device },
      longContext: recipe.longContext.map((stage) => ({ ...stage, device })),
      ...(recipe.finetune === undefined ? {} : { finetune: { ...recipe.finetune, device } }),
      evaluate: { ...recipe.evaluate, device },
    },
  };
}

/** The devices that a recipe computes on. */
export function devicesOf({ recipe }: RecipeFile): ReadonlySet<DeviceName> {
  const { train, longContext, finetune, evaluate } = recipe;
  const sections = [train, ...longContext, ...(finetune === undefined ? [] : [finetune]), evaluate];
  return new Set(sections.map(({ device }) => device));
}
