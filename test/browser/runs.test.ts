/** @file The page about training runs in a real browser, on runs that the test writes. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { barriersOf } from "./barriers.ts";
import { expectOneLanguage } from "./one-language.ts";
import type { RunningServer } from "../../src/serve/index.ts";
import { serveNgram } from "../serve/service.ts";
import { builtPage } from "./built-page.ts";
import { launchBrowser, noBrowser } from "./chromium.ts";

/** A run of 60 steps, with losses by source every 20. */
async function writeRun(storeDir: string, name: string, start: number): Promise<void> {
  const dir = join(storeDir, "weights", name);
  await mkdir(dir, { recursive: true });
  const lines = Array.from({ length: 60 }, (_, i) => {
    const loss = start / Math.sqrt(i + 1);
    const group = (factor: number) => ({ loss: loss * factor, bitsPerByte: loss * factor * 0.5, labels: 10 });
    return JSON.stringify({
      step: i + 1,
      tokens: (i + 1) * 64,
      loss,
      bitsPerByte: loss / 2,
      gradientNorm: 1 + (i % 3),
      learningRate: 1e-3,
      skipped: i === 30 ? "the loss is NaN" : null,
      ...(i % 20 === 19
        ? { sources: { books: group(1.1), web: group(0.9) }, languages: { deu: group(1) } }
        : {}),
    });
  });
  await writeFile(join(dir, "metrics.jsonl"), `${lines.join("\n")}\n`);
  if (name.endsWith(".partial"))
    await writeFile(
      join(dir, "live.json"),
      JSON.stringify({ step: 60, steps: 120, tokensPerSecond: 5000, secondsLeft: 90 }),
    );
}

describe.skipIf(noBrowser)("the page about runs", () => {
  let root: string;
  let server: RunningServer;
  let browser: Browser;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "firn-runs-"));
    await writeRun(root, "pretrain-00aa11bb22", 6);
    await writeRun(root, "pretrain-33cc44dd55.partial", 9);
    const webDir = await builtPage();
    const step = (run: string, number: number) =>
      Promise.resolve({ step: number, documents: [{ document: `doc of ${run}` }] } as never);
    const samples = () =>
      Promise.resolve(
        [0, 30, 60].map((number) => ({
          step: number,
          samples: [
            { prompt: "The snow", text: ` said at ${number}` },
            { prompt: "Der Schnee", text: ` gesagt bei ${number}` },
          ],
        })),
      );
    server = await serveNgram({ webDir, runs: { storeDir: root, step, samples } });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await rm(root, { recursive: true });
  });

  it.each([
    [1280, "light"],
    [390, "dark"],
  ] as const)("shows, compares and traces runs at %i px in %s", async (width, colorScheme) => {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(`${server.url}/#runs`);
    await page.locator(".chart canvas").first().waitFor();
    expect(await page.locator(".chart figcaption").allInnerTexts()).toEqual([
      "Loss (nats per token)",
      "Bits per byte",
      "Loss by source",
      "Loss by language (the most changed)",
      "Gradient norm",
      "Learning rate",
    ]);
    expect(await page.locator(".runs [role=status]").innerText()).toMatch(
      /50 % done, 5,000 tokens\/s, 2 min/,
    );
    await page.click("text=pretrain 33cc44");
    await page.locator(".chart .u-label", { hasText: "pretrain 33cc44" }).first().waitFor();
    expect(await page.locator(".samples details[open] dt").allInnerTexts()).toEqual([
      "Before training",
      "After step 30",
      "After training (step 60)",
    ]);
    await page.click("text=Der Schnee");
    await page.locator("text=gesagt bei 30").waitFor();
    await page.fill(".step-lookup input", "17");
    await page.click("text=Show its documents");
    await page.locator("text=doc of pretrain-00aa11bb22").waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    if (process.env["FIRN_SCREENSHOTS"] !== undefined)
      await page.screenshot({
        path: join(process.env["FIRN_SCREENSHOTS"], `runs-${width}.png`),
        fullPage: true,
      });
    expect(await barriersOf(page)).toEqual([]);
    if (width === 390) await expectOneLanguage(page, "dd, summary, li, .chips");
    await context.close();
    expect(complaints).toEqual([]);
  });

  it("knows no run outside the store", async () => {
    for (const id of ["..", "..%2f..%2fetc", "pretrain-ffff", "pretrain-00aa11bb22.partial"])
      expect((await fetch(`${server.url}/api/runs/${id}`)).status).toBe(404);
  });
});
