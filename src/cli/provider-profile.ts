/** @file The provider's answers in a store's ledger, and how they stand above those of a recipe. */
import type { Ledger } from "../ledger/index.ts";
import type { RecipeFile } from "../recipes/index.ts";
import { type ProviderProfile, providerProfileSchema } from "../release/index.ts";

/** The newest profile on record; undefined where nobody has filled in the form. */
export async function recordedProvider(ledger: Ledger): Promise<ProviderProfile | undefined> {
  let profile: ProviderProfile | undefined;
  for await (const { kind, stage, data } of ledger.facts()) {
    if (kind === "provider" && stage === "") profile = providerProfileSchema.safeParse(data).data ?? profile;
  }
  return profile;
}

/** The recipe with the recorded answers; what the form leaves open stays as the recipe says. */
export async function withRecordedProvider(from: RecipeFile, ledger: Ledger): Promise<RecipeFile> {
  const profile = await recordedProvider(ledger);
  if (profile === undefined) return from;
  return { ...from, recipe: { ...from.recipe, provider: { ...from.recipe.provider, ...profile } } };
}
