import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../core/index.ts";
import { Ledger } from "../ledger/index.ts";
import { readRecipe } from "../recipes/index.ts";
import { withRecordedProvider } from "./provider-profile.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "firn-provider-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("the provider's profile", () => {
  it("is answered for the crawler by what the crawls recorded, where the recipe has crawled sources", async () => {
    const from = await readRecipe("nano");
    const ledger = Ledger.open(dir);
    const crawl = (agent: string, to: string): Json => ({
      agent,
      userAgent: `${agent}/1`,
      robots: "RFC 9309",
      delayMs: 1500,
      from: "2026-03-04T00:00:00.000Z",
      to,
    });
    for (const data of [
      crawl("firn", "2026-03-05T00:00:00.000Z"),
      crawl("other", "2026-06-01T00:00:00.000Z"),
    ])
      ledger.append({ kind: "crawl", stage: "", fingerprint: "", attempt: 0, data });
    expect((await withRecordedProvider(from, ledger)).recipe.provider.crawler).toBeUndefined();
    const sources = from.recipe.sources.map((source) => ({ ...source, category: "crawled" as const }));
    const crawled = { ...from, recipe: { ...from.recipe, sources } };
    expect((await withRecordedProvider(crawled, ledger)).recipe.provider.crawler).toEqual({
      names: "firn (User-Agent: firn/1); other (User-Agent: other/1)",
      behaviour: expect.stringMatching(/robots\.txt.*at least 1\.5 s.*no paywall/) as string,
      from: "2026-03",
      to: "2026-06",
    });
  });
});
