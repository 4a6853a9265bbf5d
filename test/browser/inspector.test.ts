/** @file The inspector in a real browser: sampling knobs, two models side by side, heat map, likelihood as a classifier. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { trainedNgram } from "../serve/ngram-model.ts";
import { ngram } from "../serve/service.ts";
import { noBrowser } from "./chromium.ts";
import { Harness } from "./harness.ts";

describe.skipIf(noBrowser)("the inspector", () => {
  let harness: Harness;
  beforeAll(async () => {
    const few = { ...ngram("before"), model: trainedNgram({ order: 2 }) };
    harness = await Harness.start(() => ({ models: [ngram("after"), few] }));
  });
  afterAll(() => harness?.close());
  afterEach(() => harness.leave());

  const shares = (within = ".readings > :first-child") =>
    harness.page
      .locator(`${within} .bars [data-probability]`)
      .evaluateAll((rows) => rows.map((row) => Number((row as HTMLElement).dataset["probability"])));
  const set = (label: string, value: number) =>
    harness.page.getByLabel(label, { exact: true }).fill(String(value));

  it("shows what temperature, top-k, top-p and min-p make of the distribution, while they are turned", async () => {
    const page = await harness.open("next-token", ".bars");
    await page.fill(".tokens textarea >> nth=0", "Der Schnee ");
    await page.locator(".reading[aria-busy=false] [data-place='12']").waitFor();
    // The bars of the text before may still be there: after it, one token was all but certain.
    await expect.poll(async () => (await shares())[0]).toBeLessThan(0.99);
    const own = await shares();
    await page.click("text=Sampling");
    await page.locator(".drawn", { hasText: "drawn from 268 of 268 tokens" }).waitFor();
    (await shares()).forEach((share, rank) => expect(share).toBeCloseTo(own[rank]!, 5));
    await set("Top-k", 2);
    await page.locator(".drawn", { hasText: "from 2 of" }).waitFor();
    const two = await shares();
    expect(two).toHaveLength(2);
    expect(two[0]! + two[1]!).toBeCloseTo(1, 9);
    expect(two[0]! / two[1]!).toBeCloseTo(own[0]! / own[1]!, 4);
    await set("Temperature", 0.5);
    await expect
      .poll(async () => (await shares())[0]! / (await shares())[1]!)
      .toBeCloseTo((own[0]! / own[1]!) ** 2, 3);
    await set("Temperature", 0);
    await page.locator(".drawn", { hasText: "from 1 of" }).waitFor();
    await set("Temperature", 1);
    await set("Top-k", 0);
    await set("Min-p", 1);
    await page.locator(".drawn", { hasText: "from 1 of" }).waitFor();
    expect(await harness.barriers()).toEqual([]);
    await harness.picture("inspector-knobs");
  });

  it.each([
    [1280, "light"],
    [390, "dark"],
  ] as const)(
    "reads one text with two models, as tokens and as a heat map (%i px, %s)",
    async (width, colorScheme) => {
      const page = await harness.open("next-token", ".bars", {
        viewport: { width, height: 900 },
        colorScheme,
      });
      await page.getByLabel("Beside it").selectOption("before");
      await page.locator(".readings > :nth-child(2) .bars").waitFor();
      expect(await shares()).not.toEqual(await shares(".readings > :nth-child(2)"));
      await page.getByText("Heat map").click();
      expect(await page.locator(".strip.as-text").count()).toBe(2);
      await page.locator(".readings > :nth-child(2) button.bar-row").first().click();
      await expect
        .poll(() => page.locator(".tokens textarea").first().inputValue())
        .toMatch(/^Die Sonne scheint.$/);
      await expect.poll(() => page.locator(".reading[aria-busy=false] [data-place='19']").count()).toBe(2);
      const [content, window] = await harness.widths();
      expect(content).toBe(window);
      expect(await harness.barriers()).toEqual([]);
      await harness.picture(`inspector-two-${width}`);
    },
  );

  it("ranks continuations by their likelihood, and says by how much", async () => {
    const page = await harness.open("next-token", ".bars");
    await page.getByText("Few-shot: sea otter").click();
    expect(await page.locator(".tokens textarea").first().inputValue()).toContain(
      "sea otter => loutre de mer",
    );
    await page.fill(".tokens textarea >> nth=0", "Der Schnee wird zu");
    await page.getByLabel("Continuations, one on each line").fill("Eisen\nFirn, und\n");
    await page.getByText("Compare", { exact: true }).click();
    await page.locator(".rank-table tbody tr").first().waitFor();
    expect(await page.locator(".rank-table tbody th").allInnerTexts()).toEqual(["Firn, und", "Eisen"]);
    const cells = await page.locator(".rank-table tbody tr").first().locator("td").allInnerTexts();
    // The same from the API: tokens are bytes, so those from the boundary on are the continuation's.
    const logprob = async (end: string): Promise<number> => {
      const answer = await fetch(`${harness.server.url}/v1/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          model: "after",
          prompt: `Der Schnee wird zu ${end}`,
          max_tokens: 0,
          echo: true,
          logprobs: 0,
        }),
      });
      const body = (await answer.json()) as { choices: { logprobs: { token_logprobs: number[] } }[] };
      return body.choices[0]!.logprobs.token_logprobs.slice(-end.length).reduce(
        (sum, value) => sum + value,
        0,
      );
    };
    expect(Number(cells[1])).toBeCloseTo(await logprob("Firn, und"), 2);
    await harness.picture("inspector-rank");
  });
});
