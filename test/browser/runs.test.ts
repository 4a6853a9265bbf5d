/** @file The page about training runs in a real browser, on runs that the test writes. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noBrowser } from "./chromium.ts";
import { Harness } from "./harness.ts";
import { expectOneLanguage } from "./one-language.ts";

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
  let harness: Harness;
  beforeAll(async () => {
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
    harness = await Harness.start(async (storeDir) => {
      await writeRun(storeDir, "pretrain-00aa11bb22", 6);
      await writeRun(storeDir, "pretrain-33cc44dd55.partial", 9);
      return { runs: { storeDir, step, samples } };
    });
  });
  afterAll(() => harness?.close());

  it.each([
    [1280, "light"],
    [390, "dark"],
  ] as const)("shows, compares and traces runs at %i px in %s", async (width, colorScheme) => {
    const page = await harness.open("runs", ".chart canvas", {
      viewport: { width, height: 900 },
      colorScheme,
    });
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
    const [content, window] = await harness.widths();
    expect(content).toBeLessThanOrEqual(window);
    await harness.picture(`runs-${width}`, { whole: true });
    expect(await harness.barriers()).toEqual([]);
    if (width === 390) await expectOneLanguage(page, "dd, summary, li, .chips");
    await harness.leave();
  });

  it("knows no run outside the store", async () => {
    for (const id of ["..", "..%2f..%2fetc", "pretrain-ffff", "pretrain-00aa11bb22.partial"])
      expect((await fetch(`${harness.server.url}/api/runs/${id}`)).status).toBe(404);
  });
});
