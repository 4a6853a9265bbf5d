/** @file Finds a recipe by name or path and reads it. */
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { FirnError, nearestName, systemErrorCode } from "../core/index.ts";
import { MAX_RECIPE_BYTES, parseYaml } from "./parse-yaml.ts";
import { type Recipe, recipeSchema } from "./schema.ts";
import { expandShorthands } from "./shorthand.ts";

export interface RecipeFile {
  readonly recipe: Recipe;
  /** The folder from which the recipe's relative paths start. */
  readonly baseDir: string;
  /** The file it was read from. */
  readonly file: string;
}

/** The recipes that come with the package; `src/` and `dist/` lie beside them. */
const SHIPPED = fileURLToPath(new URL("../../recipes/", import.meta.url));

/** Names of the shipped recipes. */
export async function shippedRecipes(): Promise<string[]> {
  const files = await readdir(SHIPPED);
  return files
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => file.slice(0, -".yaml".length))
    .sort();
}

/** `nano` → the shipped file; anything with an ending or a slash is a path. */
async function locate(nameOrPath: string): Promise<string> {
  if (/[/\\]|\.ya?ml$/i.test(nameOrPath)) return path.resolve(nameOrPath);
  const names = await shippedRecipes();
  if (names.includes(nameOrPath)) return path.join(SHIPPED, `${nameOrPath}.yaml`);
  const near = nearestName(nameOrPath, names);
  throw new FirnError("RECIPE_NOT_FOUND", {
    expected: `one of the recipes ${names.join(", ")}, or the path of a .yaml file`,
    got: nameOrPath,
    next:
      near === undefined ? "Name one of these, or write your own beside them." : `Did you mean \`${near}\`?`,
  });
}

/**
 * Reads a recipe.
 * @throws FirnError `RECIPE_NOT_FOUND`, `RECIPE_TOO_LARGE`, `RECIPE_SYNTAX`, `RECIPE_UNKNOWN_KEY`, `RECIPE_INVALID`
 */
export async function readRecipe(nameOrPath: string): Promise<RecipeFile> {
  const file = await locate(nameOrPath);
  const shown = path.relative(process.cwd(), file);
  const where = shown === "" || shown.startsWith("..") ? file : shown;
  try {
    const { size } = await stat(file);
    if (size > MAX_RECIPE_BYTES) {
      throw new FirnError("RECIPE_TOO_LARGE", {
        expected: `a recipe of at most ${MAX_RECIPE_BYTES} bytes`,
        got: `${size} bytes`,
        where,
        next: "Recipes are written by hand; give the path of one.",
      });
    }
    const text = await readFile(file, "utf8");
    const recipe = parseYaml(text, where, recipeSchema, expandShorthands);
    return { recipe, baseDir: path.dirname(file), file };
  } catch (error) {
    const code = systemErrorCode(error);
    if (error instanceof FirnError || (code !== "ENOENT" && code !== "EISDIR")) throw error;
    throw new FirnError("RECIPE_NOT_FOUND", {
      expected: "a recipe file",
      got: code === "ENOENT" ? "no such file" : "a folder",
      where,
      next: `Correct the path, or name a shipped recipe: ${(await shippedRecipes()).join(", ")}.`,
      cause: error,
    });
  }
}
