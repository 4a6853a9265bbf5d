/** @file The page about documents in a real browser, on an artifact that the test writes. */
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DocumentsWriter, makeDocument } from "../../src/artifacts/index.ts";
import type { DocumentsPage, DocumentsSearch } from "../../src/serve/index.ts";
import { serveNgram } from "../serve/service.ts";
import { noBrowser } from "./chromium.ts";
import { Harness } from "./harness.ts";
import { expectOneLanguage } from "./one-language.ts";

const ID = "clean-0a1b2c3d4e5f";

const TEXTS = {
  deu: "Der Schnee des letzten Winters liegt noch im Kar, körnig und alt; das nennt man Firn.",
  fra: "La neige de l’hiver passé est encore là, vieille et grenue ; on l’appelle névé.",
  arb: "الثلج القديم يبقى في الجبال طوال الصيف ويصير مع السنين جليداً.",
};
const REJECTS = [
  ["extract", "http-status", "404"],
  ["opt-out", "robots", "robots.txt of example.org, 2024-05-01: User-agent: GPTBot / Disallow: /"],
  ["quality", "too-short", "12 bytes"],
  ["quality", "repeated-lines", "0.81"],
  ["near-duplicates", "near-duplicate", "web/a#1"],
] as const;

async function writeDocuments(storeDir: string): Promise<void> {
  const dir = join(storeDir, "documents", ID);
  const document = (split: string, i: number) => {
    const language = (["deu", "deu", "fra", "arb"] as const)[i % 4]!;
    return makeDocument({
      id: `web/${split}.warc.gz#${i}`,
      text: `${TEXTS[language]} <b>${split}</b> ${i}.\n\n${`${TEXTS[language]} `.repeat(i % 30)}`,
      source: "web",
      licence: i % 5 === 0 ? "NOASSERTION" : "CC-BY-4.0",
      language,
      url: `https://site${i % 40}.example.org/page/${i}`,
    });
  };
  for (const [split, count] of [
    ["train", 400],
    ["heldout", 20],
  ] as const) {
    const writer = new DocumentsWriter(dir, split);
    await writer.write(Array.from({ length: count }, (_, i) => document(split, i)));
    await writer.close();
  }
  const rejects = new DocumentsWriter(dir, "rejects");
  const rejected = REJECTS.flatMap(([step, reason, detail], kind) =>
    Array.from({ length: (kind + 1) * 12 }, (_, i) => ({
      ...document(`${step}-${reason}`, i),
      step,
      reason,
      detail,
    })),
  );
  await rejects.write(rejected);
  await rejects.close();
  const summary = {
    train: { documents: 400 },
    heldout: { documents: 20 },
    rejected: rejected.length,
    steps: ["opt-out", "language", "quality", "near-duplicates", "split"].map((step) => ({ step })),
  };
  await writeFile(join(dir, "manifest.json"), JSON.stringify({ summary }));
}

describe.skipIf(noBrowser)("the page about documents", () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await Harness.start(async (documentsStore) => {
      await writeDocuments(documentsStore);
      return { documentsStore };
    });
  });
  afterAll(() => harness?.close());

  it.each([
    [1280, "light"],
    [390, "dark"],
  ] as const)("shows the funnel, both sides and what is found at %i px in %s", async (width, colorScheme) => {
    const page = await harness.open("documents", ".funnel > li", {
      viewport: { width, height: 900 },
      colorScheme,
    });
    expect(await page.locator(".funnel-count").allInnerTexts()).toEqual([
      "588",
      "564",
      "564",
      "480",
      "420",
      "420",
    ]);
    expect(await page.locator(".funnel-bar").nth(3).getAttribute("aria-label")).toBe(
      "quality: 564 came in, 480 went on",
    );
    expect(await page.locator(".sides > div").first().locator(".document").count()).toBe(12);
    expect(await page.locator(".sides .reason").allInnerTexts()).toContain("quality: repeated-lines");
    // Markup in a text is text.
    expect(await page.locator(".document pre b").count()).toBe(0);
    const before = await page.locator(".sides h4").first().innerText();
    await page.click("text=Draw others");
    await page.locator("text=Draw 1").waitFor();
    await expect.poll(() => page.locator(".sides h4").first().innerText()).not.toBe(before);

    await page.locator(".documents-choice select").selectOption("fra");
    expect(await page.locator(".funnel-count").last().innerText()).toBe("105");
    await page.fill(".documents-search input", "NÉVÉ");
    await page.locator(".documents-search select").selectOption("dropped");
    await page.click("text=Find");
    await page.locator("text=30 found in").waitFor();
    expect((await page.locator("mark").first().innerText()).toLowerCase()).toBe("névé");
    expect(await page.locator("#documents-domains ~ .wide tbody tr").count()).toBe(20);
    const [content, window] = await harness.widths();
    expect(content).toBeLessThanOrEqual(window);
    await harness.picture(`documents-${width}`, { whole: true });
    expect(await harness.barriers()).toEqual([]);
    if (width === 390) await expectOneLanguage(page, ".document, td, option, .funnel-reasons, .funnel-bar i");
    await harness.leave();
  });

  it("is code of its own, which other views do not load", async () => {
    const names = (await readdir(join(harness.webDir, "assets"))).filter((name) => name.endsWith(".js"));
    expect(names.some((name) => name.startsWith("documents-view"))).toBe(true);
  });

  it("gives the same examples for the same seed, and answers nonsense with a reason", async () => {
    const read = async <T>(path: string): Promise<T> =>
      (await (await fetch(`${harness.server.url}/api/documents${path}`)).json()) as T;
    const [one, two, other] = [
      await read<DocumentsPage>(`/${ID}?seed=3`),
      await read<DocumentsPage>(`/${ID}?seed=3`),
      await read<DocumentsPage>(`/${ID}?seed=4`),
    ];
    expect(one).toEqual(two);
    expect(other.kept).not.toEqual(one.kept);
    const found = await read<DocumentsSearch>(`/${ID}/search?q=site7.example.org&side=kept`);
    expect(found.found).toHaveLength(11);
    expect(found).toMatchObject({ seen: 420, complete: true });
    for (const [path, status] of [
      ["/..%2f..%2fetc", 404],
      ["/clean-ffff", 404],
      [`/${ID}/search?q=x`, 400],
      ["/clean-ffff/search?q=xxx", 404],
    ] as const)
      expect((await fetch(`${harness.server.url}/api/documents${path}`)).status, path).toBe(status);
  });

  it("shows nothing to other machines", async () => {
    const open = await serveNgram({ host: "0.0.0.0", withoutKeys: true, documentsStore: harness.dir });
    try {
      expect((await fetch(`http://127.0.0.1:${open.port}/api/documents`)).status).toBe(404);
    } finally {
      await open.close();
    }
  });
});
