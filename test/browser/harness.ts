/** @file A server with the page, built here so that no stale build is ever tested, and a real browser that looks at it. */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type axeCore from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { expect } from "vitest";
import type { RunningServer, ServeOptions } from "../../src/serve/index.ts";
import { serveNgram } from "../serve/service.ts";

const CHROMIUM = process.env["FIRN_CHROMIUM"] ?? "/usr/bin/chromium";
const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const skipped = process.env["FIRN_NO_BROWSER"] === "1";
if (skipped) console.warn("The page is not tested: FIRN_NO_BROWSER=1 is set.");

export class Harness {
  readonly dir: string;
  readonly webDir: string;
  readonly server: RunningServer;
  readonly #browser: Browser;
  /** What the page complained about and whom it called; both must stay empty. */
  complaints: string[] = [];
  #strangers: string[] = [];
  page!: Page;

  private constructor(dir: string, server: RunningServer, browser: Browser) {
    this.dir = dir;
    this.webDir = join(dir, "web");
    this.server = server;
    this.#browser = browser;
  }

  static async start(
    options: (dir: string) => Partial<ServeOptions> | Promise<Partial<ServeOptions>>,
  ): Promise<Harness> {
    if (!existsSync(CHROMIUM)) {
      throw new Error(
        `No browser at ${CHROMIUM}. Install one (Debian: apt-get install -y chromium), name another with ` +
          "FIRN_CHROMIUM=<path>, or leave these tests out with FIRN_NO_BROWSER=1.",
      );
    }
    const dir = await mkdtemp(join(tmpdir(), "firn-page-"));
    const webDir = join(dir, "web");
    const root = fileURLToPath(new URL("../../web", import.meta.url));
    await build({ root, logLevel: "warn", build: { outDir: webDir, emptyOutDir: true } });
    const server = await serveNgram({
      webDir,
      conversations: join(dir, "conversations.db"),
      ...(await options(dir)),
    });
    return new Harness(dir, server, await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS }));
  }

  async close(): Promise<void> {
    await this.#browser.close();
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

  /** A picture of the page for whoever asks with FIRN_SCREENSHOTS=<folder>. */
  async picture(name: string): Promise<void> {
    const folder = process.env["FIRN_SCREENSHOTS"];
    if (folder !== undefined) await this.page.screenshot({ path: join(folder, `${name}.png`) });
  }

  /** How wide the page's content and its window are. */
  widths(): Promise<[number, number]> {
    return this.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth] as [number, number]);
  }

  /** What axe-core finds wrong by WCAG 2.2 A and AA, one line each. */
  async barriers(): Promise<string[]> {
    const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    await this.page.evaluate(axe);
    return this.page.evaluate(async () => {
      const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
      const { axe: tool } = globalThis as unknown as { axe: typeof axeCore };
      const { violations } = await tool.run({ runOnly });
      return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
    });
  }

  async put(path: string, body: unknown): Promise<number> {
    const headers = { "content-type": "application/json" };
    return (await fetch(`${this.server.url}${path}`, { method: "PUT", headers, body: JSON.stringify(body) }))
      .status;
  }
}
