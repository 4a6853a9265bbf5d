/** @file The page about tokenizers, and text cut in the page, in a real browser. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { barriersOf } from "./barriers.ts";
import { expectOneLanguage } from "./one-language.ts";
import { readDeclarations } from "../../src/data/index.ts";
import type { ParallelText, RunningServer } from "../../src/serve/index.ts";
import { measureFairness, parseTokenizerJson, Tokenizer, tokenizerJson } from "../../src/tokenizer/index.ts";
import { ngram, serveNgram } from "../serve/service.ts";
import { realTexts, trainedPair } from "../tokenizer/judge.ts";
import { builtPage } from "./built-page.ts";
import { sharedBrowser, noBrowser } from "./chromium.ts";

describe.skipIf(noBrowser)("the page about tokenizers", () => {
  let root: string;
  let texts: ParallelText[];
  let tokenizer: Tokenizer;
  let other: string;
  let server: RunningServer;
  let browser: Browser;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "firn-fairness-"));
    ({ ours: tokenizer } = await trainedPair(await realTexts(60)));
    other = tokenizerJson((await trainedPair(await realTexts(90))).ours.model);
    texts = (await readDeclarations())
      .filter((_, i) => i % 40 === 0)
      .map(({ code, ...declaration }) => ({ language: code, ...declaration }));
    const webDir = await builtPage();
    const models = [{ ...ngram("nano"), tokenizer }, ngram("bare")];
    server = await serveNgram({ webDir, models, parallelText: () => Promise.resolve(texts) });
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    await server?.close();
    await rm(root, { recursive: true });
  });

  async function onPage(options: BrowserContextOptions, visit: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await visit(page);
    await context.close();
    expect(complaints).toEqual([]);
  }

  it.each([
    [1280, "light"],
    [390, "dark"],
  ] as const)(
    "measures the model's tokenizer and a dropped one at %i px in %s",
    async (width, colorScheme) => {
      await onPage({ viewport: { width, height: 900 }, colorScheme, acceptDownloads: true }, async (page) => {
        await page.goto(`${server.url}/#tokenizer`);
        await page.locator(".fairness tbody th", { hasText: "nano" }).waitFor();
        const file = { name: "other.json", mimeType: "application/json", buffer: Buffer.from(other) };
        await page.setInputFiles(".fairness input[type=file]", file);
        await page.locator(".fairness tbody th", { hasText: "other.json" }).waitFor();

        const complete = texts.filter((one) => one.complete).length;
        expect(await page.locator(".dots").count()).toBe(2);
        expect(await page.locator(".dots").first().locator("circle").count()).toBe(complete);

        const [saved] = await Promise.all([
          page.waitForEvent("download"),
          page.click("text=Download as JSON"),
        ]);
        const codes = new Set(texts.filter((one) => one.complete).map(({ language }) => language));
        expect(JSON.parse(await readFile(await saved.path(), "utf8"))).toEqual(
          [
            { name: "nano", tokenizer },
            { name: "other.json", tokenizer: new Tokenizer(parseTokenizerJson(other)) },
          ].map(({ name, tokenizer: one }) => ({
            name,
            vocabSize: one.vocabSize,
            report: measureFairness(one, texts, codes),
          })),
        );

        await page.selectOption(".choices select", "bytes");
        const wanted = texts[0]!;
        await page.fill(".choices input", wanted.name);
        await page.locator(".dots circle.marked").first().waitFor();
        expect(await page.locator(".languages tbody tr").first().innerText()).toContain(wanted.name);
        await page.fill(".choices input", "");
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(overflow).toBeLessThanOrEqual(0);
        if (process.env["FIRN_SCREENSHOTS"] !== undefined) {
          const path = (part: string) =>
            join(process.env["FIRN_SCREENSHOTS"]!, `fairness-${width}-${part}.png`);
          await page.screenshot({ path: path("top") });
          await page.locator(".choices").scrollIntoViewIfNeeded();
          await page.locator(".languages").scrollIntoViewIfNeeded();
          await page.screenshot({ path: path("bottom") });
        }
        expect(await barriersOf(page)).toEqual([]);
        if (width === 390) await expectOneLanguage(page, "td, svg title");
      });
    },
  );

  it("brings nothing of Node.js into the page", async () => {
    const assets = join(await builtPage(), "assets");
    for (const name of await readdir(assets)) {
      const code = await readFile(join(assets, name), "utf8");
      expect([name, code.includes("__vite-browser-external")]).toEqual([name, false]);
    }
  });

  it("says what is wrong with a broken file and keeps what it has", async () => {
    await onPage({}, async (page) => {
      await page.goto(`${server.url}/#tokenizer`);
      await page.locator(".fairness tbody th", { hasText: "nano" }).waitFor();
      const broken = { name: "broken.json", mimeType: "application/json", buffer: Buffer.from('{"model":') };
      await page.setInputFiles(".fairness input[type=file]", broken);
      expect(await page.locator(".fairness [role=alert]").innerText()).toMatch(
        /broken\.json.*TOKENIZER_JSON/s,
      );
      expect(await page.locator(".dots").count()).toBe(1);
    });
  });

  it("cuts text into tokens in the page, before the server has answered", async () => {
    await onPage({ viewport: { width: 1200, height: 800 } }, async (page) => {
      await page.goto(`${server.url}/#next-token`);
      await page.waitForSelector(".reading[aria-busy=false]");
      let answer = (): void => undefined;
      const held = new Promise<void>((resolve) => (answer = resolve));
      await page.route("**/api/distribution", async (route) => {
        await held;
        await route.continue();
      });
      await page.fill(".tokens textarea", "Menschenrechte 2026");
      const expected = [
        "<s>",
        ...tokenizer.encode("Menschenrechte 2026").map((id) => tokenizer.tokenText(id)),
      ];
      await page.waitForFunction(
        (texts) =>
          [...document.querySelectorAll(".strip .chip.start")].map((chip) => chip.textContent).join("|") ===
          texts,
        expected.join("|").replaceAll(" ", "␣"),
      );
      answer();
      await page.waitForSelector(".reading[aria-busy=false]");
      await page.unrouteAll({ behavior: "wait" });
    });
  });

  it("serves the very tokenizer, and nothing for a model without one", async () => {
    const fetched = await fetch(`${server.url}/api/tokenizer/nano`);
    expect(parseTokenizerJson(await fetched.text())).toEqual(tokenizer.model);
    expect((await fetch(`${server.url}/api/tokenizer/bare`)).status).toBe(204);
    expect((await fetch(`${server.url}/api/tokenizer/nobody`)).status).toBe(404);
  });
});
