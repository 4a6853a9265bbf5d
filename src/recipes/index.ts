/** @file `firn/recipes`: whole systems as data: read, check, assemble into stages, plan. */
export { assemble, type RecipeNodes, recipeModel } from "./assemble.ts";
export { estimateSeconds, needsRate } from "./estimate-seconds.ts";
export { measureTrainingStep } from "./measure-training.ts";
export { devicesOf, onDevice } from "./on-device.ts";
export { MAX_RECIPE_BYTES, parseYaml } from "./parse-yaml.ts";
export { type RecipeFile, readRecipe, shippedRecipes } from "./read-recipe.ts";
export { recipeReference } from "./reference.ts";
export { type Recipe, recipeSchema } from "./schema.ts";
export { type MeasuredMachine, runsHere, type SetupOverrides, trainingSetup } from "./training-setup.ts";
