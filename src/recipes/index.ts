/** @file `firn/recipes`: whole systems as data: read, check, assemble into stages. */
export { assemble, type RecipeNodes, recipeModel } from "./assemble.ts";
export { MAX_RECIPE_BYTES, parseYaml } from "./parse-yaml.ts";
export { type RecipeFile, readRecipe, shippedRecipes } from "./read-recipe.ts";
export { type Recipe, recipeSchema } from "./schema.ts";
