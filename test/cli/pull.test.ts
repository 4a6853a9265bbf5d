/** @file `firn pull` against a Hub on loopback: whole, checked, resumed after a kill, explained when refused. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pullRepository, readPullRecord } from "../../src/artifacts/index.ts";
import { sha256, silentReporter } from "../../src/core/index.ts";
import { firn } from "../pipeline/tiny.ts";
import { type HubRepository, type HubServer, startHubServer } from "../servers/hub-server.ts";

const NAME = "example/tiny-apertus";
const [FIRST, SECOND] = ["a".repeat(40), "b".repeat(40)];
const THEIRS = fileURLToPath(new URL("../reference/tiny-apertus-hf", import.meta.url));
const TOKEN = "hf_thisMustNeverBePrinted";

let dir: string;
let server: HubServer;
let repository: HubRepository;
let files: Map<string, Buffer>;
const out = (): string => path.join(dir, "model");

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "firn-pull-"));
  server = await startHubServer();
  server.pageLength = 3;
  files = new Map();
  for (const name of await readdir(THEIRS)) files.set(name, await readFile(path.join(THEIRS, name)));
  files.set("README.md", Buffer.from("---\nlicense: apache-2.0\n---\n# Tiny\n"));
  files.set("original/notes.txt", Buffer.from("nothing to see"));
  repository = {
    kind: "models",
    name: NAME,
    revisions: new Map([
      ["main", FIRST],
      [FIRST, FIRST],
    ]),
    commits: new Map([[FIRST, files]]),
    licence: "apache-2.0",
  };
  server.repositories.push(repository);
  process.env["HF_ENDPOINT"] = server.hub.url;
  delete process.env["HF_TOKEN"];
});
afterEach(async () => {
  delete process.env["HF_ENDPOINT"];
  delete process.env["HF_TOKEN"];
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

const pull = (...words: string[]) => firn("pull", NAME, "--out", out(), ...words);

async function expectWhole(): Promise<void> {
  for (const [name, bytes] of files) {
    expect(bytes.equals(await readFile(path.join(out(), name))), name).toBe(true);
  }
}

describe("firn pull", () => {
  it("brings every file, records commit and hashes, and says what to do next", async () => {
    const { code, out: printed, err } = await pull();
    expect(code, err).toBe(0);
    await expectWhole();
    expect(printed).toContain(`${NAME} at ${FIRST}`);
    expect(printed).toContain("An Apertus model of 22.8");
    const record = await readPullRecord(out());
    expect(record).toMatchObject({ repository: NAME, commit: FIRST, licence: "apache-2.0", complete: true });
    expect(Object.keys(record!.files).sort()).toEqual([...files.keys()].sort());
    for (const [name, { sha256: hash }] of Object.entries(record!.files))
      expect(hash).toBe(sha256(files.get(name)!));
    expect((await readdir(out())).filter((name) => /tmp|lock/.test(name))).toEqual([]);
    const asked = server.store.seen.length;
    expect((await pull()).code).toBe(0);
    expect(server.store.seen).toHaveLength(asked);
  });

  it("takes and leaves files by pattern", async () => {
    expect((await pull("--include", "*.json", "original/*", "--exclude", "gen*")).code).toBe(0);
    expect((await readdir(out(), { recursive: true })).sort()).toEqual([
      "config.json",
      "judged.json",
      "model.safetensors.index.json",
      "original",
      "original/notes.txt",
      "pulled.json",
    ]);
    const nothing = await pull("--include", "*.bin");
    expect(nothing.code).toBe(1);
    expect(nothing.err).toMatch(/DOWNLOAD_MISSING[^]*none of 10 chosen/);
  });

  it("goes on through broken connections, and after kill -9 fetches only what is missing", async () => {
    const large = randomBytes(3_000_000);
    files.set("model-large.safetensors", large);
    let allow = false;
    const ofLarge = () => server.store.seen.filter(({ path: asked }) => asked.includes(sha256(large)));
    // Two answers break in the middle, then the server is silent: there the process is killed.
    server.store.trouble = (asked, nth) =>
      allow || !asked.includes(sha256(large))
        ? undefined
        : nth <= 2
          ? { breakAfter: 200_000 }
          : { silent: true };
    const child = spawn(
      process.execPath,
      ["--import", "tsx", "test/pipeline/firn.test-main.ts", "pull", NAME, "--out", out()],
      { cwd: path.resolve(import.meta.dirname, "../.."), env: process.env, stdio: "ignore" },
    );
    while (ofLarge().length < 3) await new Promise((next) => setTimeout(next, 20));
    child.kill("SIGKILL");
    await new Promise((ended) => child.once("exit", ended));
    const third = ofLarge()[2]!.range;
    const partial = await stat(path.join(out(), "model-large.safetensors.firn-tmp"));
    expect(third).toBe(`bytes=${partial.size}-`);
    expect(partial.size).toBeGreaterThan(0);
    expect(await readPullRecord(out())).toMatchObject({ commit: FIRST, complete: false });

    // Meanwhile the branch moved on; the pull stays with the commit it began with.
    repository.revisions.set("main", SECOND);
    allow = true;
    const { code, err } = await pull();
    expect(code, err).toBe(0);
    await expectWhole();
    expect(await readPullRecord(out())).toMatchObject({ commit: FIRST, complete: true });
    expect(
      ofLarge()
        .slice(3)
        .map(({ range }) => range),
    ).toEqual([third]);
  });

  it("moves to a new commit, fetching what changed and removing what is gone", async () => {
    await pull();
    const next = new Map(files);
    next.delete("original/notes.txt");
    next.set("config.json", Buffer.from(`${files.get("config.json")!.toString()} `));
    repository.commits.set(SECOND, next);
    repository.revisions.set("main", SECOND).set(SECOND, SECOND);
    files = next;
    const { code, err } = await pull();
    expect(code, err).toBe(0);
    await expectWhole();
    expect(await readdir(path.join(out(), "original"))).toEqual([]);
    const record = await readPullRecord(out());
    expect(record?.commit).toBe(SECOND);
    expect(Object.keys(record!.files)).not.toContain("original/notes.txt");
  });

  it("throws away bytes that are not those that were announced, and says so", async () => {
    const shard = "model-00002-of-00003.safetensors";
    const hash = `/${sha256(files.get(shard)!)}`;
    const poisoned = Buffer.from(files.get(shard)!);
    poisoned[poisoned.length - 1]! ^= 1;
    const get = server.store.files.get.bind(server.store.files);
    server.store.files.get = (asked) => (asked === hash ? poisoned : get(asked));
    const { code, err } = await pull();
    expect(code).toBe(1);
    expect(err).toMatch(/DOWNLOAD_CHECKSUM/);
    expect(await readdir(out())).not.toContain(shard);
    expect(await readPullRecord(out())).toMatchObject({ complete: false });
    server.store.files.get = get;
    expect((await pull()).code).toBe(0);
    await expectWhole();
  });

  it("explains gated, missing and misspelt repositories, and prints no token", async () => {
    server.repositories.push({ ...repository, name: "example/gated", token: TOKEN });
    const ask = async (...words: string[]): Promise<string> => {
      const { code, out: printed, err } = await firn("pull", ...words, "--out", out());
      expect(code).toBe(1);
      expect(printed + err).not.toContain(TOKEN);
      return printed + err;
    };
    expect(await ask("example/gated")).toMatch(
      /DOWNLOAD_REFUSED[^]*GatedRepo[^]*accept its terms[^]*HF_TOKEN/,
    );
    process.env["HF_TOKEN"] = `${TOKEN}x`;
    expect(await ask("example/gated")).toMatch(/DOWNLOAD_REFUSED[^]*may not read example\/gated/);
    expect(await ask(NAME, "--revision", "v9")).toMatch(/DOWNLOAD_MISSING[^]*RevisionNotFound/);
    expect(await ask("example")).toMatch(/DOWNLOAD_ADDRESS|DOWNLOAD_REFUSED/);
    expect(await ask(`${NAME}@main/config.json`)).toMatch(/CLI_USAGE[^]*--include config.json/);
    process.env["HF_TOKEN"] = TOKEN;
    const { code, out: printed, err } = await firn("pull", "example/gated", "--out", out());
    expect(code, err).toBe(0);
    expect(printed + err + (await readFile(path.join(out(), "pulled.json"), "utf8"))).not.toContain(TOKEN);
    // The large files lie on another server, which must not learn the token.
    expect(server.store.seen.some(({ authorization }) => authorization !== undefined)).toBe(false);
    expect(server.hub.seen.some(({ authorization }) => authorization === `Bearer ${TOKEN}`)).toBe(true);
  });

  it("fetches at most so many files at once, and the first error stops the others", async () => {
    const seen: number[] = [];
    const options = {
      address: { kind: "models", repository: NAME } as const,
      access: { endpoint: server.hub.url },
      dir: out(),
      include: [],
      exclude: [],
      parallel: 2,
      signal: new AbortController().signal,
      report: {
        ...silentReporter,
        task: () => ({ update: (done: number) => void seen.push(done), finish: () => undefined }),
      },
    };
    // Nothing is answered: as many questions are open as may be at once.
    const resolved = () => server.hub.seen.filter(({ path: asked }) => asked.includes("/resolve/")).length;
    server.hub.trouble = (asked) => (asked.includes("/resolve/") ? { silent: true } : undefined);
    const stop = new AbortController();
    const stopped = expect(pullRepository({ ...options, signal: stop.signal })).rejects.toThrow("enough");
    while (resolved() < 2) await new Promise((next) => setTimeout(next, 10));
    await new Promise((next) => setTimeout(next, 150));
    expect(resolved()).toBe(2);
    stop.abort(new Error("enough"));
    await stopped;

    server.hub.trouble = (asked) => (asked.endsWith("/config.json") ? { status: 404 } : undefined);
    await expect(pullRepository(options)).rejects.toThrow(/DOWNLOAD_MISSING.*config\.json/s);
    server.hub.trouble = () => undefined;
    await pullRepository(options);
    expect(seen.at(-1)).toBe([...files.values()].reduce((sum, bytes) => sum + bytes.length, 0));
    await writeFile(path.join(out(), "pulled.json"), "{");
    await expect(pullRepository(options)).rejects.toThrow(/DOWNLOAD_RECORD/);
  });
});
