import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silentReporter, type Work } from "../../core/index.ts";
import { fetchSnapshot, rankHosts } from "./fetch-snapshot.ts";
import { Snapshot } from "./snapshot.ts";

let dir: string;
let asked: string[] = [];
const servers: Server[] = [];
const hosts: Record<string, string> = {};

const ANSWERS: Record<
  string,
  (path: string) => { status: number; body: Buffer | string; gzip?: boolean } | "silence"
> = {
  rules: (path) =>
    path === "/robots.txt"
      ? { status: 200, body: "User-agent: GPTBot\nDisallow: /" }
      : { status: 404, body: "none" },
  bomb: (path) =>
    path === "/robots.txt"
      ? { status: 200, body: gzipSync(Buffer.alloc(80_000_000, 0x20)), gzip: true }
      : { status: 404, body: "" },
  broken: () => ({ status: 503, body: "busy" }),
  silent: () => "silence",
};

const work = (): Work => ({
  report: silentReporter,
  signal: new AbortController().signal,
  fact: () => undefined,
  workers: 1,
  threads: 1,
});
const options = {
  userAgent: "firn-test/1 (+https://example.org/bot)",
  timeoutMs: 400,
  parallel: 3,
  now: () => new Date(0),
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-fetch-"));
  for (const [name, answer] of Object.entries(ANSWERS)) {
    const server = createServer((request, response) => {
      asked.push(`${name} ${request.url} ${request.headers["user-agent"]}`);
      const said = answer(request.url!);
      if (said === "silence") return;
      response.writeHead(said.status, said.gzip === true ? { "Content-Encoding": "gzip" } : {});
      response.end(said.body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
    hosts[name] = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
});
afterAll(async () => {
  for (const server of servers) server.closeAllConnections();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  await rm(dir, { recursive: true, force: true });
});

describe("fetching what sites say", () => {
  it("keeps what each host answered, bounded, and goes on where it stopped", async () => {
    const path = join(dir, "snapshot.jsonl");
    const first = await fetchSnapshot(
      [hosts["rules"]!, hosts["bomb"]!, hosts["broken"]!],
      path,
      options,
      work(),
    );
    expect(first).toEqual({ answered: 3, silent: 0, known: 0 });
    expect(asked.every((line) => line.endsWith(options.userAgent))).toBe(true);
    expect(asked.filter((line) => line.startsWith("rules")).map((line) => line.split(" ")[1])).toEqual([
      "/robots.txt",
      "/ai.txt",
      "/.well-known/tdmrep.json",
    ]);
    expect((await readFile(path)).length).toBeLessThan(600_000);

    asked = [];
    await appendFile(path, '{"host":"torn');
    const second = await fetchSnapshot(Object.values(hosts), path, options, work());
    expect(second).toEqual({ answered: 0, silent: 1, known: 3 });
    expect(asked.map((line) => line.split(" ")[0])).toEqual(["silent"]);

    const snapshot = await Snapshot.open(path);
    expect(snapshot.hosts).toBe(4);
    expect(snapshot.period).toEqual({ from: "1970-01-01T00:00:00.000Z", to: "1970-01-01T00:00:00.000Z" });
    expect(snapshot.site(hosts["rules"]!)!.robots!.disallowedBy("GPTBot", "/")).toBeDefined();
    expect(snapshot.site(hosts["bomb"]!)!.robots!.truncated).toBe(true);
    expect(snapshot.site(hosts["broken"]!)).toMatchObject({ robots: undefined, unreachable: true });
    expect(snapshot.site(hosts["silent"]!)).toMatchObject({ robots: undefined, unreachable: true });
  });

  it("does not take another file for a snapshot", async () => {
    const path = join(dir, "other.txt");
    await writeFile(path, "something else\n");
    await expect(fetchSnapshot([], path, options, work())).rejects.toMatchObject({
      code: "DATA_OPTOUT_SNAPSHOT",
    });
  });

  it("ranks public hosts by their text", async () => {
    async function* documents() {
      yield [
        { url: "https://a.example.com/1", bytes: 5 },
        { url: "http://b.example.com/1", bytes: 20 },
        { url: "https://a.example.com/2", bytes: 30 },
        { url: null, bytes: 99 },
        { url: "http://127.0.0.1/x", bytes: 99 },
        { url: "http://[::1]:80/x", bytes: 99 },
        { url: "http://router.local/x", bytes: 99 },
        { url: "http://intranet/x", bytes: 99 },
      ];
    }
    expect(await rankHosts(documents())).toEqual([
      { host: "a.example.com", bytes: 35 },
      { host: "b.example.com", bytes: 20 },
    ]);
  });
});
