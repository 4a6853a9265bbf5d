/** @file The page in a real browser, on a small real model: built here, so that no stale build is ever tested. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ngram } from "../serve/service.ts";
import { noBrowser } from "./chromium.ts";
import { Harness } from "./harness.ts";

describe.skipIf(noBrowser)("the page", () => {
  let harness: Harness;
  let page: Page;
  beforeAll(async () => {
    harness = await Harness.start(() => ({ models: [ngram("nano", 512, 4), ngram("short", 40)] }));
  });
  afterAll(() => harness?.close());
  afterEach(() => harness.leave());

  async function open(view: "chat" | "next-token", options: BrowserContextOptions = {}): Promise<void> {
    page = await harness.open(view, view === "chat" ? ".composer" : ".bars", options);
  }

  async function say(text: string): Promise<void> {
    const before = await page.locator(".message").count();
    await page.fill(".composer textarea", text);
    await page.keyboard.press("Enter");
    await page
      .locator(".message")
      .nth(before + 1)
      .waitFor();
  }
  const lastAnswer = (): Promise<string> => page.locator(".message.assistant .prose").last().innerText();
  const answerDone = (): Promise<void> => page.locator(".message:last-child [aria-busy=false]").waitFor();
  /** Types an ASCII text and waits until exactly its tokens are shown. */
  async function readText(text: string): Promise<void> {
    await page.fill(".input-row textarea", text);
    await page.waitForFunction(
      (count) => document.querySelectorAll(".reading[aria-busy=false] [data-place]").length === count,
      text.length + 1,
    );
  }

  it("is small", async () => {
    const html = await readFile(join(harness.webDir, "index.html"), "utf8");
    const first = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map((match) => match[1]!);
    const names = await readdir(harness.webDir, { recursive: true });
    const files = names.filter((name) => /\.(html|js|css|svg)$/.test(name));
    const zipped = async (list: readonly string[]): Promise<number> => {
      const sizes = list.map(async (name) => gzipSync(await readFile(join(harness.webDir, name))).length);
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    };
    const [opened, whole] = [await zipped(["index.html", ...first]), await zipped(files)];
    console.info(
      `the page: ${(opened / 1000).toFixed(1)} kB gzip at first, ${(whole / 1000).toFixed(1)} kB in all`,
    );
    expect(first.length).toBeGreaterThanOrEqual(3);
    expect(opened).toBeLessThan(150_000);
    expect(whole).toBeLessThan(330_000);
  });

  it("streams an answer piece by piece and says what it cost", async () => {
    await open("chat");
    await page.click("text=Hallo!");
    await page.locator(".message.assistant .prose").waitFor();
    const early = await lastAnswer();
    expect("Grüezi! Wie geht es dir?".startsWith(early.trim())).toBe(true);
    expect(early.length).toBeLessThan("Grüezi! Wie geht es dir?".length);
    await answerDone();
    expect(await lastAnswer()).toBe("Grüezi! Wie geht es dir?");
    expect(await page.locator(".answer-foot .stats").innerText()).toMatch(/^25 tokens · [\d.,]+ tokens\/s$/);
  });

  it("keeps the conversation over a reload, answers again and starts anew", async () => {
    await open("chat");
    await say("Hello!");
    await answerDone();
    await page.reload();
    await page.locator(".message.assistant").waitFor();
    expect(await lastAnswer()).toBe("Hello! How are you?");
    const first = await page.locator(".message.assistant .stats").elementHandle();
    await page.click("[aria-label='Answer again']");
    await first?.waitForElementState("hidden");
    await answerDone();
    expect(await page.locator(".message").count()).toBe(2);
    await page.click("text=New conversation");
    await page.locator(".welcome").waitFor();
    expect(await page.locator(".message").count()).toBe(0);
  });

  it("stops an answer when told to, and keeps what was said", async () => {
    await open("chat");
    await say("Hallo! Wer bist du?");
    await page.locator(".message.assistant .prose").waitFor();
    await page.keyboard.press("Escape");
    await answerDone();
    expect(await page.locator(".answer-foot .stats").innerText()).toContain("stopped");
    expect((await lastAnswer()).length).toBeLessThan(
      "Ich bin ein kleines Modell aus Schnee und Zahlen.".length,
    );
  });

  it("shows Markdown, and HTML from the model only as text", async () => {
    await open("chat");
    await say("Which language is this: Die Sonne scheint hell.");
    await answerDone();
    expect(await page.locator(".prose strong").count()).toBe(1);
    await page.click("text=New conversation");
    await say("Draw a picture.");
    await answerDone();
    expect(await lastAnswer()).toContain("<img src=x onerror=alert(1)>");
    expect(await page.locator(".prose img, .prose [href^=javascript]").count()).toBe(0);
  });

  it.each([
    [
      "the server's words",
      "en",
      /context length is 40 tokens, but your prompt has 63 tokens.*new conversation/s,
    ],
    ["the reader's language", "de", /^Der Text ist länger, als dieses Modell lesen kann\..*neues Gespräch/s],
  ])("says what went wrong and what to do, in %s", async (_, locale, message) => {
    await open("chat", { locale });
    await page.selectOption("select.model-name", "short");
    await say("This sentence is longer than forty tokens of one byte each.");
    const alert = page.locator(".message [role=alert]");
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(message);
    // The browser itself reports the refused request.
    harness.complaints = harness.complaints.filter((text) => !text.includes("400"));
  });

  it("remembers the settings and sends them", async () => {
    await open("chat");
    await page.click("text=Settings");
    await page.locator("dialog input[type=range]").nth(3).fill("4");
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    await say("Hello!");
    await answerDone();
    expect(await lastAnswer()).toBe("Hell");
    expect(await page.locator(".answer-foot .stats").innerText()).toContain("cut at the token limit");
  });

  it("cuts a text into tokens and shows bars that add up to one", async () => {
    await open("next-token");
    await readText("Die S");
    expect(await page.locator(".strip .chip").allInnerTexts()).toHaveLength(7);
    const shares = await page
      .locator(".bars [data-probability]")
      .evaluateAll((rows) => rows.map((row) => Number((row as HTMLElement).dataset["probability"])));
    expect(shares).toHaveLength(13);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(shares.slice(0, 12)).toEqual(shares.slice(0, 12).sort((a, b) => b - a));
  });

  it("highlights the text's own token at an inner place, by mouse and by keyboard", async () => {
    await open("next-token");
    await page.click("[data-place='5']");
    expect(await page.locator(".bar-row.actual .bar-token").innerText()).toBe("S");
    await page.keyboard.press("ArrowLeft");
    expect(await page.locator(".bar-row.actual .bar-token").innerText()).toBe("␣");
    await page.keyboard.press("End");
    expect(await page.locator(".bar-row.actual").count()).toBe(0);
  });

  it("appends a chosen token, goes on from an inner place, and takes tokens back", async () => {
    await open("next-token");
    const field = page.locator(".input-row textarea");
    await readText("Die S");
    await page.locator("button.bar-row").first().click();
    await page.locator(".reading[aria-busy=false] [data-place='7']").waitFor();
    expect(await field.inputValue()).toBe("Die So");
    await page.click("[aria-label='Remove the last token']");
    await page.locator("[data-place='7']").waitFor({ state: "detached" });
    await page.locator(".reading[aria-busy=false]").waitFor();
    expect(await field.inputValue()).toBe("Die S");
    await page.click("[data-place='2']");
    await page.locator("button.bar-row:not(.actual)").first().click();
    await page.locator("[data-place='4']").waitFor({ state: "detached" });
    expect(await field.inputValue()).toMatch(/^D[^i]$/u);
  });

  it.each(["light", "dark"] as const)("fits a phone without sideways scrolling (%s)", async (colorScheme) => {
    await open("chat", { viewport: { width: 390, height: 844 }, colorScheme });
    expect(await harness.widths()).toEqual([390, 390]);
    await say(`Hallo! ${"x".repeat(120)}`);
    await answerDone();
    expect(await harness.widths()).toEqual([390, 390]);
    await page.click("text=Next token");
    await page.locator(".bars").waitFor();
    await readText("Die Sonne scheint auf den Schnee, und der Schnee wird zu Firn.");
    expect(await harness.widths()).toEqual([390, 390]);
    // The bar of views is wider than the screen, and shows the one that is open.
    await page.keyboard.press("Escape");
    await page.evaluate(() => {
      location.hash = "transparency";
    });
    const current = page.locator(".views [aria-current]", { hasText: "Transparency" });
    const right = async (): Promise<number> => {
      const box = await current.boundingBox();
      return box!.x + box!.width;
    };
    await expect.poll(right).toBeLessThanOrEqual(390);
    // This server has no papers.
    harness.complaints = harness.complaints.filter((text) => !text.includes("404"));
  });

  it("turns dark when told to and stays dark after a reload", async () => {
    await open("chat", { colorScheme: "light" });
    const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await paper();
    await page.click("[aria-label='Switch to dark colours']");
    const dark = await paper();
    expect(dark).not.toBe(light);
    await page.reload();
    expect(await paper()).toBe(dark);
  });

  it.each(["chat", "next-token"] as const)("has no barrier that axe-core knows (%s)", async (view) => {
    await open(view);
    if (view === "chat") {
      await say("Hello!");
      await answerDone();
    }
    expect(await harness.barriers()).toEqual([]);
    expect(await page.locator("h1").count()).toBe(1);
    expect(await page.locator("main").count()).toBe(1);
    expect(await page.evaluate(() => document.documentElement.lang)).toBe("en");
  });

  it("speaks the browser's language, switches without losing the answer, and remembers the choice", async () => {
    await open("chat", { locale: "fr-CH" });
    expect(await page.evaluate(() => document.documentElement.lang)).toBe("fr");
    expect(await page.locator(".views a").first().innerText()).toBe("Conversation");
    await say("Hallo! Wer bist du?");
    for (const [code, label] of [
      ["de", "Gespräch"],
      ["it", "Conversazione"],
      ["rm", "Discurs"],
    ] as const) {
      await page.selectOption("select.language", code);
      await page.locator(".views a", { hasText: label }).first().waitFor();
    }
    await answerDone();
    expect(await lastAnswer()).toMatch(/^Ich/);
    expect(await page.getAttribute(".composer textarea", "placeholder")).toBe("Messadi a nano");
    await page.reload();
    await page.waitForSelector(".composer");
    expect(await page.evaluate(() => document.documentElement.lang)).toBe("rm");
  });

  it("is led by the keyboard, and says with which keys", async () => {
    await open("chat");
    await page.locator(".brand").focus();
    await page.keyboard.press("?");
    await page.locator("dialog kbd", { hasText: "Esc" }).waitFor();
    expect(await harness.barriers()).toEqual([]);
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("/");
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("TEXTAREA");
    await page.keyboard.type("a ? and a /");
    expect(await page.inputValue(".composer textarea")).toBe("a ? and a /");
    await page.keyboard.press("Alt+2");
    await page.locator(".bars").waitFor();
  });
});
