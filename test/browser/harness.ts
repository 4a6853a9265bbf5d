/** @file A server with the page, built here so that no stale build is ever tested, and a real browser that looks at it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import type { RunningServer, ServeOptions } from "../../src/serve/index.ts";
import { serveNgram } from "../serve/service.ts";
import { barriersOf } from "./barriers.ts";
import { builtPage } from "./built-page.ts";
import { sharedBrowser } from "./chromium.ts";

export class Harness {
  readonly dir: string;
  readonly webDir: string;
  readonly server: RunningServer;
  readonly #browser: Browser;
  /** What the page complained about and whom it called; both must stay empty. */
  complaints: string[] = [];
  #strangers: string[] = [];
  page!: Page;

  private constructor(dir: string, webDir: string, server: RunningServer, browser: Browser) {
    this.dir = dir;
    this.webDir = webDir;
    this.server = server;
    this.#browser = browser;
  }

  static async start(
    options: (dir: string) => Partial<ServeOptions> | Promise<Partial<ServeOptions>>,
  ): Promise<Harness> {
    const dir = await mkdtemp(join(tmpdir(), "firn-page-"));
    const webDir = await builtPage();
    const server = await serveNgram({
      webDir,
      conversations: join(dir, "conversations.db"),
      ...(await options(dir)),
    });
    return new Harness(dir, webDir, server, await sharedBrowser());
  }

  async close(): Promise<void> {
    await this.server.close();
    await rm(this.dir, { recursive: true });
  }

  /** Opens the page at `#address` and waits until `selector` is there. */
  async open(address: string, selector: string, options: BrowserContextOptions = {}): Promise<Page> {
    this.complaints = [];
    this.#strangers = [];
    const context = await this.#browser.newContext({
      viewport: { width: 1280, height: 800 },
      locale: "en-GB",
      reducedMotion: "reduce",
      ...options,
    });
    // At temperature 0 the model says the same every time, and never nothing.
    await context.addInitScript(() => {
      const key = "firn.settings.2";
      const settings = { temperature: 0, topP: 0.9, topK: 0, maxTokens: 256 };
      if (localStorage.getItem(key) === null) localStorage.setItem(key, JSON.stringify(settings));
    });
    const page = await context.newPage();
    this.page = page;
    page.setDefaultTimeout(15_000);
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("request", (request) => {
      const known = request.url().startsWith(this.server.url) || request.url().startsWith("blob:");
      if (!known) this.#strangers.push(request.url());
    });
    await page.goto(`${this.server.url}/#${address}`);
    await page.waitForSelector(selector);
    return page;
  }

  /** After each test: the page had nothing to complain about and called nobody but its server. */
  async leave(): Promise<void> {
    await this.page?.context().close();
    expect(this.complaints).toEqual([]);
    expect(this.#strangers).toEqual([]);
  }

  /** A picture of the page for whoever asks with FIRN_SCREENSHOTS=<folder>; `whole`: also of what must be scrolled to. */
  async picture(name: string, { whole = false } = {}): Promise<void> {
    const folder = process.env["FIRN_SCREENSHOTS"];
    if (folder === undefined) return;
    if (whole)
      await this.page.locator("main").evaluate((main) => {
        document.body.style.height = "auto";
        main.style.overflow = "visible";
      });
    await this.page.screenshot({ path: join(folder, `${name}.png`), fullPage: whole });
  }

  /** How wide the page's content and its window are. */
  widths(): Promise<[number, number]> {
    return this.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth] as [number, number]);
  }

  /** What axe-core finds wrong with the page. */
  barriers(): Promise<string[]> {
    return barriersOf(this.page);
  }

  async put(path: string, body: unknown): Promise<number> {
    const headers = { "content-type": "application/json" };
    return (await fetch(`${this.server.url}${path}`, { method: "PUT", headers, body: JSON.stringify(body) }))
      .status;
  }
}
