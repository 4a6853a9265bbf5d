/** @file `npm run docs`: writes the pages that are made from tables in the code. */
import { writeFileSync } from "node:fs";
import { commandReference } from "../src/cli/index.ts";
import { recipeReference } from "../src/recipes/index.ts";

writeFileSync(new URL("../docs/reference/cli.md", import.meta.url), commandReference());
writeFileSync(new URL("../docs/reference/recipe.md", import.meta.url), recipeReference());
