/**
 * @file A small polite crawler: the pages that can be reached from some addresses without leaving their hosts, in breadth
 * first order, into a web archive. It reads robots.txt first and keeps to it, waits between requests to one host, sends
 * its name, and asks for one page at a time.
 */
import { existsSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { Parser } from "htmlparser2";
import { FirnError, type Work } from "../../core/index.ts";
import { pathOfUrl } from "../optout/path-pattern.ts";
import { RobotsFile } from "../optout/robots.ts";
import { appendRecords, responseBlock, type WarcEntry } from "./warc-writer.ts";

export interface CrawlOptions {
  /** Product token, looked for in robots.txt, and the whole `User-Agent` header. */
  readonly agent: string;
  readonly userAgent: string;
  readonly maxPages: number;
  readonly maxPageBytes: number;
  readonly delayMs: number;
  readonly timeoutMs: number;
  readonly now: () => Date;
}

/** What a crawl did. */
export interface CrawlSummary {
  readonly pages: number;
  readonly bytes: number;
  /** Pages that robots.txt keeps this crawler from. */
  readonly barred: number;
  /** Addresses that did not answer. */
  readonly failed: number;
}

/** The same by host, for the ledger; a `type`, so that it is JSON. */
type HostTotals = { pages: number; bytes: number; barred: number; failed: number };

interface Fetched {
  readonly entry: WarcEntry;
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

async function readBody(response: Response, limit: number): Promise<Buffer> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  for (let length = 0; reader !== undefined && length < limit; ) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.length;
  }
  await reader?.cancel().catch(() => undefined);
  return Buffer.concat(chunks).subarray(0, limit);
}

async function fetchPage(
  url: string,
  options: CrawlOptions,
  signal: AbortSignal,
): Promise<Fetched | undefined> {
  try {
    const response = await fetch(url, {
      headers: { "User-Agent": options.userAgent, Accept: "text/html, text/plain;q=0.9, */*;q=0.1" },
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)]),
    });
    const body = await readBody(response, options.maxPageBytes);
    const date = options
      .now()
      .toISOString()
      .replace(/\.\d+Z$/, "Z");
    const block = responseBlock(response.status, response.headers, body);
    const entry = {
      type: "response",
      url,
      date,
      contentType: "application/http; msgtype=response",
      block,
    } as const;
    return { entry, status: response.status, type: response.headers.get("content-type") ?? "", body };
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** Addresses that a page links to, on its own host, without fragments. */
export function linksOf(html: string, base: string): string[] {
  const found = new Set<string>();
  const origin = new URL(base).origin;
  const add = (href: string): void => {
    const url = URL.canParse(href, base) ? new URL(href, base) : undefined;
    if (url?.origin !== origin || found.size >= 5000) return;
    url.hash = "";
    found.add(url.href);
  };
  const parser = new Parser({
    onopentag(name, { href, rel }) {
      if (name === "a" && href !== undefined && !/\bnofollow\b/i.test(rel ?? "")) add(href);
    },
  });
  parser.write(html);
  parser.end();
  return [...found];
}

/** A fact names at most so many hosts. */
const NAMED_HOSTS = 1000;

/** A crawl of one host. */
class HostCrawl {
  readonly #options: CrawlOptions;
  readonly #signal: AbortSignal;
  #robots: RobotsFile | undefined;
  #asked = false;

  constructor(options: CrawlOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** Fetches robots.txt; RFC 9309 §2.3.1: absent allows everything, unreachable nothing. */
  async readRules(origin: string): Promise<WarcEntry[]> {
    const fetched = await this.fetch(`${origin}/robots.txt`);
    if (fetched === undefined || fetched.status >= 500)
      this.#robots = new RobotsFile("User-agent: *\nDisallow: /");
    else this.#robots = new RobotsFile(fetched.status === 200 ? fetched.body : "");
    return fetched === undefined ? [] : [fetched.entry];
  }

  mayFetch(url: string): boolean {
    return this.#robots?.disallowedBy(this.#options.agent, pathOfUrl(url)?.path ?? "/") === undefined;
  }

  async fetch(url: string): Promise<Fetched | undefined> {
    if (this.#asked) await wait(this.#options.delayMs, undefined, { signal: this.#signal });
    this.#asked = true;
    return fetchPage(url, this.#options, this.#signal);
  }
}

function startUrls(starts: readonly string[]): URL[] {
  return starts.map((start) => {
    const url = URL.canParse(start) ? new URL(start) : undefined;
    if (url?.protocol === "http:" || url?.protocol === "https:") return url;
    throw new FirnError("DATA_CRAWL_ADDRESS", {
      expected: "an address that begins with http:// or https://",
      got: start.slice(0, 200),
      next: "For example `firn crawl https://example.org/ --to pages.warc.gz`.",
    });
  });
}

/**
 * Crawls from `starts` into the archive `path`, which must not exist yet. Records the fact `crawl`, also of a crawl that
 * was stopped: by what name and rules it went, when, and what it took from each host.
 *
 * @throws FirnError `DATA_CRAWL_ADDRESS`, `DATA_CRAWL_EXISTS`
 */
export async function crawlSites(
  starts: readonly string[],
  path: string,
  options: CrawlOptions,
  work: Work,
): Promise<CrawlSummary> {
  const urls = startUrls(starts);
  if (existsSync(path)) {
    throw new FirnError("DATA_CRAWL_EXISTS", {
      expected: "a new file for the archive",
      got: "one that is there already",
      where: path,
      next: "Name another file; an archive is never changed.",
    });
  }
  const info = `software: firn\r\nhttp-header-user-agent: ${options.userAgent}\r\nrobots: obeyed (RFC 9309)\r\n`;
  const date = options
    .now()
    .toISOString()
    .replace(/\.\d+Z$/, "Z");
  const block = Buffer.from(info);
  await appendRecords(path, [{ type: "warcinfo", date, contentType: "application/warc-fields", block }]);
  const totals = new Map<string, HostTotals>();
  try {
    return await crawlQueue(urls, path, options, work, totals);
  } finally {
    work.fact("crawl", {
      agent: options.agent,
      userAgent: options.userAgent,
      robots: "RFC 9309; a host whose robots.txt cannot be read is left alone",
      delayMs: options.delayMs,
      starts: urls.map((url) => url.href),
      from: date,
      to: options.now().toISOString(),
      hosts: Object.fromEntries([...totals].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, NAMED_HOSTS)),
      hostCount: totals.size,
    });
  }
}

async function crawlQueue(
  urls: readonly URL[],
  path: string,
  options: CrawlOptions,
  work: Work,
  totals: Map<string, HostTotals>,
): Promise<CrawlSummary> {
  const hosts = new Map<string, HostCrawl>();
  const queue = urls.map((url) => url.href);
  const seen = new Set(queue);
  const task = work.report.task("crawl", options.maxPages, "pages");
  const done = { pages: 0, bytes: 0, barred: 0, failed: 0 };
  while (queue.length > 0 && done.pages < options.maxPages) {
    work.signal.throwIfAborted();
    const url = queue.shift()!;
    const { origin, host: name } = new URL(url);
    const own = totals.get(name) ?? { pages: 0, bytes: 0, barred: 0, failed: 0 };
    totals.set(name, own);
    let host = hosts.get(origin);
    if (host === undefined) {
      host = new HostCrawl(options, work.signal);
      hosts.set(origin, host);
      await appendRecords(path, await host.readRules(origin));
    }
    if (!host.mayFetch(url)) {
      done.barred += 1;
      own.barred += 1;
      continue;
    }
    const page = await host.fetch(url);
    if (page === undefined) {
      done.failed += 1;
      own.failed += 1;
      continue;
    }
    await appendRecords(path, [page.entry]);
    done.pages += 1;
    done.bytes += page.body.length;
    own.pages += 1;
    own.bytes += page.body.length;
    task.update(done.pages, url);
    if (!page.type.includes("html")) continue;
    for (const link of linksOf(page.body.toString("latin1"), url)) {
      if (!seen.has(link)) queue.push(link);
      seen.add(link);
    }
  }
  task.finish(`${done.pages} pages, ${done.barred} kept from by robots.txt, ${done.failed} without answer`);
  return done;
}
