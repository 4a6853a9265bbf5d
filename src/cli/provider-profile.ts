/** @file The provider's answers in a store's ledger, and how they stand above those of a recipe. */
import { z } from "zod";
import type { Ledger } from "../ledger/index.ts";
import type { RecipeFile } from "../recipes/index.ts";
import { type ProviderProfile, providerProfileSchema } from "../release/index.ts";

const crawlSchema = z.object({
  agent: z.string(),
  userAgent: z.string(),
  robots: z.string(),
  delayMs: z.number(),
  from: z.string(),
  to: z.string(),
});

/** What `firn crawl` recorded about itself; why and what it crawled is for people to say. */
async function recordedCrawler(ledger: Ledger): Promise<ProviderProfile["crawler"]> {
  const crawls: z.infer<typeof crawlSchema>[] = [];
  for await (const { kind, stage, data } of ledger.facts()) {
    const crawl = kind === "crawl" && stage === "" ? crawlSchema.safeParse(data).data : undefined;
    if (crawl !== undefined) crawls.push(crawl);
  }
  if (crawls.length === 0) return undefined;
  const names = [...new Set(crawls.map(({ agent, userAgent }) => `${agent} (User-Agent: ${userAgent})`))];
  const delay = Math.min(...crawls.map(({ delayMs }) => delayMs)) / 1000;
  return {
    names: names.join("; "),
    behaviour:
      `Reads robots.txt before anything else and keeps to it (${crawls[0]!.robots}); follows no link marked nofollow; ` +
      `asks a host for one page at a time and waits at least ${delay} s between; gives its name; sends no cookies, fills in no ` +
      "form, signs in nowhere, and so passes no paywall, password or captcha.",
    from: crawls.map(({ from }) => from.slice(0, 7)).sort()[0]!,
    to: crawls
      .map(({ to }) => to.slice(0, 7))
      .sort()
      .at(-1)!,
  };
}

/** The newest profile on record; undefined where nobody has filled in the form. */
export async function recordedProvider(ledger: Ledger): Promise<ProviderProfile | undefined> {
  let profile: ProviderProfile | undefined;
  for await (const { kind, stage, data } of ledger.facts()) {
    if (kind === "provider" && stage === "") profile = providerProfileSchema.safeParse(data).data ?? profile;
  }
  return profile;
}

/**
 * The recipe with the recorded answers; what the form leaves open stays as the recipe says, and what neither says about
 * crawling is what the crawls recorded.
 */
export async function withRecordedProvider(from: RecipeFile, ledger: Ledger): Promise<RecipeFile> {
  const profile = await recordedProvider(ledger);
  const crawled = from.recipe.sources.some(({ category }) => category === "crawled");
  const crawler = crawled ? await recordedCrawler(ledger) : undefined;
  if (profile === undefined && crawler === undefined) return from;
  const provider = {
    ...(crawler === undefined ? {} : { crawler }),
    ...from.recipe.provider,
    ...profile,
  };
  return { ...from, recipe: { ...from.recipe, provider } };
}
