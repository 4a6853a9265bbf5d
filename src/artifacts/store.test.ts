import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Json } from "../core/index.ts";
import type { Artifact } from "./artifact.ts";
import { UNFINISHED_SUFFIX } from "./atomic.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { readArtifact } from "./manifest.ts";
import { type Draft, openStore, referenceTo, type Store } from "./store.ts";

let dir = "";
let store: Store;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-store-"));
  store = openStore(dir);
});
afterEach(() => rm(dir, { recursive: true }));

const printOf = (config: Json) => fingerprintOf({ stage: "crawl", version: 1, config, inputs: {} });
const begin = (config: Json, keep = false): Promise<Draft> =>
  store.begin({ kind: "documents", stage: "crawl", fingerprint: printOf(config) }, { keep });

async function build(config: Json = { pages: 3 }): Promise<Artifact> {
  const draft = await begin(config);
  await mkdir(join(draft.dir, "documents"));
  await writeFile(join(draft.dir, "documents", "train-0.txt"), "Grüezi\n");
  await writeFile(join(draft.dir, "notes.txt"), "three pages");
  return store.commit(draft, { version: 1, config, inputs: {}, summary: { documents: 3 } });
}

describe("a fingerprint", () => {
  test("is the same on every machine and in every release", () => {
    expect(
      fingerprintOf({
        stage: "pretrain",
        version: 3,
        config: { steps: 100, learningRate: 0.0003, languages: ["gsw", "rm"] },
        inputs: { tokens: "a".repeat(64) },
      }),
    ).toBe("98cfb95fc4d69ebdd1c7784d4b7b5f3ff42a43a613e117b8cd2e6c5d9f8aa589");
  });

  test("does not depend on the order of keys and does depend on everything else", () => {
    const base = { stage: "s", version: 1, config: { a: 1, b: 2 }, inputs: {} };
    const print = fingerprintOf(base);
    expect(fingerprintOf({ inputs: {}, config: { b: 2, a: 1 }, version: 1, stage: "s" })).toBe(print);
    for (const change of [{ stage: "t" }, { version: 2 }, { config: { a: 1 } }, { inputs: { x: "y" } }]) {
      expect(fingerprintOf({ ...base, ...change })).not.toBe(print);
    }
  });
});

describe("an artifact", () => {
  test("is found and listed once it is committed, and not before", async () => {
    const config = { pages: 3 };
    const draft = await begin(config);
    await writeFile(join(draft.dir, "x"), "x");
    expect(await store.find("documents", "crawl", printOf(config))).toBeUndefined();
    expect(store.hasDraft("documents", "crawl", printOf(config))).toBe(true);
    expect(await store.list()).toEqual([]);
    const artifact = await store.commit(draft, { version: 1, config, inputs: {}, summary: null });
    expect(store.hasDraft("documents", "crawl", printOf(config))).toBe(false);
    expect(await store.find("documents", "crawl", printOf(config))).toEqual(artifact);
    expect(await openStore(dir).list()).toEqual([artifact]);
    expect(await readdir(join(dir, "documents"))).toEqual([`crawl-${printOf(config).slice(0, 12)}`]);
  });

  test("lists its files with sizes and checksums, in a fixed order, and has the same manifest every time", async () => {
    const { manifest, dir: folder } = await build();
    expect(manifest.files).toEqual([
      {
        path: "documents/train-0.txt",
        bytes: 8,
        sha256: "3e38ce3e288bb05e9827302ef91ee523db42195b4c7233978268c2be9944fe81",
      },
      { path: "notes.txt", bytes: 11, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    ]);
    const first = await readFile(join(folder, "manifest.json"), "utf8");
    await rm(folder, { recursive: true });
    await build();
    expect(await readFile(join(folder, "manifest.json"), "utf8")).toBe(first);
  });

  test("does not contain files that were never finished", async () => {
    const draft = await begin({});
    await writeFile(join(draft.dir, `half.parquet${UNFINISHED_SUFFIX}`), "half");
    const { manifest } = await store.commit(draft, { version: 1, config: {}, inputs: {}, summary: null });
    expect(manifest.files).toEqual([]);
  });

  test("names its inputs", async () => {
    const input = await build();
    const inputs = { documents: referenceTo(input) };
    const fingerprint = fingerprintOf({
      stage: "tokenize",
      version: 2,
      config: {},
      inputs: { documents: input.manifest.fingerprint },
    });
    const draft = await store.begin({ kind: "tokens", stage: "tokenize", fingerprint }, { keep: false });
    const artifact = await store.commit(draft, { version: 2, config: {}, inputs, summary: {} });
    expect(artifact.manifest.inputs).toEqual(inputs);
  });

  test("refuses to hold a link", async () => {
    const draft = await begin({});
    await symlink("/etc/hostname", join(draft.dir, "link"));
    const sealing = store.commit(draft, { version: 1, config: {}, inputs: {}, summary: null });
    await expect(sealing).rejects.toThrow(/ARTIFACT_FILE_KIND.*link/);
    draft.release();
  });
});

describe("a draft", () => {
  test("is emptied or kept, as the stage can resume or not", async () => {
    const first = await begin({});
    await writeFile(join(first.dir, "checkpoint"), "step 10");
    await writeFile(join(first.dir, "manifest.json"), "{}");
    first.release();
    const kept = await begin({}, true);
    expect(await readdir(kept.dir)).toEqual(["checkpoint"]);
    expect([first.resumed, kept.resumed]).toEqual([false, true]);
    kept.release();
    const emptied = await begin({});
    expect(await readdir(emptied.dir)).toEqual([]);
    emptied.release();
  });

  test("belongs to one process at a time", async () => {
    const draft = await begin({});
    await expect(begin({})).rejects.toThrow(/STORE_LOCKED: .*documents crawl-/);
    (await begin({ other: true })).release();
    draft.release();
    (await begin({})).release();
  });
});

describe("a hand-edited artifact", () => {
  const faultsOf = async (artifact: Artifact, deep = false): Promise<string> => {
    try {
      await store.verify(artifact, { deep });
      return "";
    } catch (error) {
      expect(error).toMatchObject({ code: "ARTIFACT_EDITED" });
      return (error as Error).message;
    }
  };

  test("is told apart from an untouched one in the quick check, file by file", async () => {
    const artifact = await build();
    expect(await faultsOf(artifact)).toBe("");
    expect(await faultsOf(artifact, true)).toBe("");
    const notes = join(artifact.dir, "notes.txt");
    await writeFile(notes, "four pages!");
    expect(await faultsOf(artifact)).toMatch(
      /notes\.txt was changed.*rm -r '.*crawl-.*' and run the same command again/,
    );
    await writeFile(notes, "longer than before");
    expect(await faultsOf(artifact)).toContain("notes.txt has 18 bytes instead of 11");
    await rm(notes);
    await writeFile(join(artifact.dir, "extra.txt"), "");
    expect(await faultsOf(artifact)).toMatch(/notes\.txt is missing; extra\.txt was added/);
  });

  test("is found even when its size and modification time were kept", async () => {
    const artifact = await build();
    const notes = join(artifact.dir, "notes.txt");
    const past = new Date("2024-01-01");
    await utimes(notes, past, past);
    expect(await faultsOf(artifact)).toBe("");
    await writeFile(notes, "3hree pages");
    await utimes(notes, past, past);
    expect(await faultsOf(artifact)).toContain("notes.txt was changed");
    await writeFile(notes, "three pages");
    expect(await faultsOf(artifact)).toBe("");
  });

  test("is checked in full when the cache is gone or broken", async () => {
    const artifact = await build();
    const cache = join(dir, ".verified", `${artifact.manifest.fingerprint}.json`);
    await writeFile(cache, "[1");
    expect(await faultsOf(artifact)).toBe("");
    await rm(cache);
    expect(await faultsOf(artifact)).toBe("");
    expect(existsSync(cache)).toBe(true);
  });

  test("with a changed, torn or foreign manifest is refused", async () => {
    const { dir: folder } = await build();
    const path = join(folder, "manifest.json");
    const good = await readFile(path, "utf8");
    const find = () => store.find("documents", "crawl", printOf({ pages: 3 }));
    const bad: [string, RegExp][] = [
      [good.replace('"pages": 3', '"pages": 4'), /changed after the fingerprint was taken/],
      [good.slice(0, 100), /MANIFEST_BROKEN/],
      [good.replace("notes.txt", "../notes.txt"), /files\.1\.path/],
      [good.replace('"bytes": 8', '"bytes": -8'), /files\.0\.bytes/],
      [good.replace('"format": 1', '"format": 2'), /format/],
    ];
    for (const [text, message] of bad) {
      await writeFile(path, text);
      await expect(find()).rejects.toThrow(message);
      await expect(find()).rejects.toMatchObject({ code: "ARTIFACT_MANIFEST_BROKEN" });
    }
    await rm(path);
    await expect(find()).rejects.toMatchObject({ code: "ARTIFACT_MISSING" });
    const told: string[] = [];
    expect(await store.list({ onBroken: (error) => told.push(error.code) })).toEqual([]);
    expect(told).toEqual(["ARTIFACT_MISSING"]);
    await expect(store.list()).rejects.toMatchObject({ code: "ARTIFACT_MISSING" });
  });

  test("put under another artifact's name is refused", async () => {
    const { dir: folder } = await build();
    const other = printOf({ pages: 4 });
    await cp(folder, join(dir, "documents", `crawl-${other.slice(0, 12)}`), { recursive: true });
    await expect(store.find("documents", "crawl", other)).rejects.toMatchObject({
      code: "ARTIFACT_MANIFEST_BROKEN",
    });
  });

  test("can be opened wherever it was copied to", async () => {
    const { dir: folder, manifest } = await build();
    const away = join(dir, "elsewhere");
    await cp(folder, away, { recursive: true });
    expect(await readArtifact(away)).toEqual({ kind: "documents", dir: away, manifest });
    await expect(readArtifact(join(dir, "nowhere"))).rejects.toMatchObject({ code: "ARTIFACT_MISSING" });
  });
});
