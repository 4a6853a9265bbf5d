/** @file The transparency portal of a real small release: served beside its model, and exported to a plain web server. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { traceBehind } from "../../src/cli/release-run.ts";
import { openStore } from "../../src/artifacts/index.ts";
import type { RunningServer } from "../../src/serve/index.ts";
import { firn, writeTinyRecipe } from "../pipeline/tiny.ts";
import { barriersOf } from "../browser/barriers.ts";
import { expectOneLanguage } from "../browser/one-language.ts";
import { post, serveNgram } from "../serve/service.ts";
import { builtPage } from "../browser/built-page.ts";
import { sharedBrowser, noBrowser } from "../browser/chromium.ts";

let dir: string;
let webDir: string;
let release: string;
let server: RunningServer;

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "firn-portal-"));
  webDir = await builtPage();
  const recipe = await writeTinyRecipe(dir);
  const store = path.join(dir, "store");
  const { code, err } = await firn("build", recipe, "--store", store);
  expect(code, err).toBe(0);
  release = (await openStore(store).list()).find(({ kind }) => kind === "release")!.dir;
  const trace = await traceBehind(store, release);
  server = await serveNgram({ webDir, portal: { dir: path.join(release, "legal"), trace } });
});
afterAll(async () => {
  await server?.close();
  await rm(dir, { recursive: true, force: true });
});

const lookUp = (body: object) => post(`${server.url}/api/lookup`, body);

describe("the server", () => {
  it("serves the papers under a policy that lets them run nothing", async () => {
    const response = await fetch(`${server.url}/legal/Public_Summary_of_Training_Content.html`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await response.text()).toContain("<h1>Public Summary of Training Content</h1>");
    expect((await fetch(`${server.url}/legal/../config.json`)).status).toBe(404);
    expect((await fetch(`${server.url}/legal/nothing.md`)).status).toBe(404);
  });

  it("looks up a domain and a passage in the corpus behind the release", async () => {
    expect((await lookUp({ domain: "ohchr.org" })).json).toMatchObject({
      kind: "domain",
      domain: "ohchr.org",
    });
    const found = (await lookUp({ text: "the firn will become ice when enough years" })).json;
    expect(found).toMatchObject({ kind: "text", keptCount: 1 });
    expect((await lookUp({ text: "this passage stands nowhere in it" })).json).toMatchObject({
      keptCount: 0,
    });
  });

  it("refuses what is neither, or too much of it", async () => {
    for (const body of [
      {},
      { domain: "" },
      { text: "short" },
      { text: "x".repeat(3000) },
      { domain: "a.b", text: "12345678" },
    ])
      expect((await lookUp(body)).status).toBe(400);
  });
});

describe.skipIf(noBrowser)("the page", () => {
  let browser: Browser;
  let site: Server;
  beforeAll(async () => {
    browser = await sharedBrowser();
    // A web server that knows nothing but files: the exported page has to do without ours.
    const types: Readonly<Record<string, string>> = {
      ".html": "text/html",
      ".js": "text/javascript",
      ".css": "text/css",
    };
    site = createServer((request, response) => {
      const name = (request.url ?? "/").replace(/[?#].*$/, "");
      const file = name.startsWith("/legal/")
        ? path.join(release, name)
        : path.join(webDir, name === "/" ? "index.html" : name);
      readFile(file).then(
        (bytes) => {
          response.setHeader("Content-Type", types[path.extname(file)] ?? "text/plain");
          const page = bytes
            .toString("utf8")
            .replace('<html lang="en">', '<html lang="en" data-site="static">');
          response.end(name === "/" ? page : bytes);
        },
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => void site?.close());

  async function open(address: string, width = 1280): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext({ viewport: { width, height: 900 } });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(address);
    await page.waitForSelector(".portal");
    return { page, complaints };
  }

  it("says what the model is, what it learnt from, what was left out, and finds a passage", async () => {
    const { page, complaints } = await open(`${server.url}/#transparency`);
    expect(await page.textContent("h1")).toBe("What tiny is made of");
    expect(await page.locator(".treemap .box").count()).toBe(2);
    await page.click(".switch button:nth-child(2)");
    expect(await page.locator(".treemap .box").count()).toBe(6);
    expect(await page.textContent("#refused ~ .steps")).toContain("Copies of another text");
    expect(await page.textContent("#refused ~ .steps")).toContain("the same text was there already");
    expect(await page.textContent("#refused ~ .reservations")).toContain("robots.txt (RFC 9309)");
    expect(await page.textContent(".portal")).toContain("made by rules and templates, not by another model");
    for (const link of await page.locator('.portal a[href^="legal/"]').all()) {
      const address = await link.getAttribute("href");
      expect((await fetch(`${server.url}/${address}`)).status, address ?? "").toBe(200);
    }
    await page.fill(".lookup textarea", "the firn will become ice when enough years");
    await page.click(".lookup button");
    await page.waitForSelector(".found p");
    expect(await page.textContent(".found")).toContain("This passage stands in 1 texts");
    expect(await barriersOf(page)).toEqual([]);
    // Sources, reservations and the papers' names are printed as the release holds them.
    await expectOneLanguage(
      page,
      "td, .box, .reservations, .papers a, .papers ~ ul a, .found blockquote > p, dd, .portal-lead > .faint",
    );
    expect(complaints).toEqual([]);
  });

  it("as exported files shows the portal alone, looks domains up in its table, and fits a telephone", async () => {
    const { port } = site.address() as AddressInfo;
    const { page, complaints } = await open(`http://127.0.0.1:${port}/`, 390);
    expect(await page.locator(".views a").count()).toBe(1);
    await page.fill(".lookup textarea", "https://www.ohchr.org/some/page");
    await page.click(".lookup button");
    await page.waitForSelector(".found p");
    expect(await page.textContent(".found")).toMatch(/texts of ohchr\.org .* were used for training/);
    await page.selectOption("select.language", "de");
    expect(await page.textContent("h1")).toBe("Woraus tiny gemacht ist");
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    expect(complaints).toEqual([]);
  });
});
