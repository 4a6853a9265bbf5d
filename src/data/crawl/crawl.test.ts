import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WARCParser } from "warcio";
import { type Json, silentReporter, type Work } from "../../core/index.ts";
import { readWarc } from "../readers/warc.ts";
import { crawlSites } from "./crawl-site.ts";

const TEXT =
  "Every traveller who crosses the pass in winter leaves a stone on the cairn, and nobody remembers who began the custom. ";
const links = (...paths: string[]): string => paths.map((path) => `<a href="${path}">${path}</a>`).join(" ");
const PAGES: Record<string, string> = {
  "/": `<p>${TEXT.repeat(2)}</p>${links("/a", "b?x=1#top", "/private/1", "https://other.example/", "javascript:void(0)", "/gone")}`,
  "/a": `<p>${TEXT.repeat(3)}</p>${links("/", "/c")}`,
  "/b?x=1": `<p>Another page. ${TEXT.repeat(3)}</p>`,
  "/c": `<p>The last page. ${TEXT.repeat(3)}</p>`,
  "/private/1": "<p>secret</p>",
};

let dir: string;
let server: Server;
let origin: string;
let asked: string[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-crawl-"));
  server = createServer((request, response) => {
    asked.push(request.url!);
    const body = request.url === "/robots.txt" ? "User-agent: firn\nDisallow: /private" : PAGES[request.url!];
    const type = request.url === "/robots.txt" ? "text/plain" : "text/html; charset=utf-8";
    response.writeHead(body === undefined ? 404 : 200, { "Content-Type": type, "TDM-Reservation": "0" });
    response.end(body ?? "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(dir, { recursive: true, force: true });
});

const work: Work = {
  report: silentReporter,
  signal: new AbortController().signal,
  fact: () => undefined,
  workers: 1,
  threads: 1,
};
const options = {
  agent: "firn",
  userAgent: "firn-test/1",
  maxPages: 10,
  maxPageBytes: 100_000,
  delayMs: 0,
  timeoutMs: 2000,
  now: () => new Date(0),
};

describe("a crawl", () => {
  it("follows links on its hosts, keeps to robots.txt, and writes what others can read", async () => {
    const path = join(dir, "pages.warc.gz");
    const facts: [string, Json][] = [];
    const summary = await crawlSites([`${origin}/`], path, options, {
      ...work,
      fact: (kind, data) => facts.push([kind, data]),
    });
    const { host } = new URL(origin);
    expect(facts).toMatchObject([
      ["crawl", { userAgent: "firn-test/1", hostCount: 1, hosts: { [host]: { ...summary } } }],
    ]);
    expect(summary).toMatchObject({ pages: 5, barred: 1, failed: 0 });
    expect(asked).toEqual(["/robots.txt", "/", "/a", "/b?x=1", "/gone", "/c"]);

    const types: string[] = [];
    for await (const record of new WARCParser(createReadStream(path))) types.push(record.warcType ?? "");
    expect(types).toEqual(["warcinfo", ...Array.from({ length: 6 }, () => "response")]);

    const pieces = [];
    for await (const batch of readWarc({ name: "x", path, bytes: 1, sha256: "" })) pieces.push(...batch);
    expect(
      pieces.map((piece) => ("reason" in piece ? piece.reason : piece.url?.slice(origin.length))),
    ).toEqual(["/", "/a", "/b?x=1", "http-status", "/c"]);
    expect(pieces[1]).toMatchObject({
      text: TEXT.repeat(3).trim(),
      signals: "tdm-reservation: 0",
      date: "1970-01-01T00:00:00Z",
    });
  });

  it("stops after the pages asked for, and never changes an archive", async () => {
    asked = [];
    const path = join(dir, "two.warc.gz");
    expect(await crawlSites([`${origin}/`], path, { ...options, maxPages: 2 }, work)).toMatchObject({
      pages: 2,
    });
    expect(asked).toEqual(["/robots.txt", "/", "/a"]);
    await expect(crawlSites([`${origin}/`], path, options, work)).rejects.toMatchObject({
      code: "DATA_CRAWL_EXISTS",
    });
    await expect(crawlSites(["ftp://x"], join(dir, "3"), options, work)).rejects.toMatchObject({
      code: "DATA_CRAWL_ADDRESS",
    });
  });

  it("does nothing where robots.txt cannot be had", async () => {
    const path = join(dir, "dead.warc.gz");
    const summary = await crawlSites(["http://127.0.0.1:1/"], path, options, work);
    expect(summary).toEqual({ pages: 0, bytes: 0, barred: 1, failed: 0 });
  });
});
