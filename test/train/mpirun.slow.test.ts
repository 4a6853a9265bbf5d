/** @file Training under a real `mpirun`: the bits of one rank, other ranks after a kill, and jobs that lose one. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Child, firn, startFirn, storeHashes, writeTinyRecipe } from "../pipeline/tiny.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

let dir: string;
const at = (...names: string[]): string => path.join(dir, ...names);

/** Two micro-batches in every step, so that two ranks compute what one does; enough steps to be killed in. */
function evenly(recipe: string): string {
  return recipe
    .replace("steps: 40\n  batch: 4\n", "steps: 300\n  batch: 4\n  microBatch: 2\n")
    .replace("steps: 6\n  batch: 2\n", "steps: 6\n  batch: 2\n  microBatch: 1\n");
}

/** `mpirun -n <ranks> firn …` from source, also as root and on machines with fewer cores than ranks. */
function startRanks(ranks: number, ...argv: string[]): Child & { readonly store: string } {
  const main = path.join(ROOT, "test/pipeline/firn.test-main.ts");
  const tsx = path.join(ROOT, "node_modules/tsx/dist/loader.mjs");
  const words = ["-n", String(ranks), process.execPath, "--import", tsx, main, ...argv, "--threads", "1"];
  const child = spawn("mpirun", words, {
    cwd: dir,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      NO_COLOR: "1",
      OMPI_ALLOW_RUN_AS_ROOT: "1",
      OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
      OMPI_MCA_rmaps_base_oversubscribe: "1",
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
  }
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? signal ?? 1));
  });
  return {
    store: argv[argv.indexOf("--store") + 1]!,
    output: () => output,
    kill: (signal) => void child.kill(signal),
    ended,
    said: async (pattern) => {
      await eventually(() => pattern.test(output));
    },
  };
}

async function eventually(check: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 6000; tries++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("did not happen within a minute");
}

/** The process of `rank` in the job that builds `store`. */
function processOf(rank: number, store: string): number {
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const words = readFileSync(`/proc/${entry}/cmdline`, "utf8").split("\0");
      const environment = readFileSync(`/proc/${entry}/environ`, "utf8").split("\0");
      if (words.includes(store) && environment.includes(`OMPI_COMM_WORLD_RANK=${rank}`)) return Number(entry);
    } catch {
      // Ended while it was looked at.
    }
  }
  throw new Error(`rank ${rank} of ${store} is not there`);
}

async function hasCheckpoint(store: string): Promise<boolean> {
  const files = await readdir(path.join(store, "weights"), { recursive: true }).catch(() => []);
  return files.some((file) => file.startsWith("pretrain-") && file.endsWith("checkpoint.json"));
}

async function stageFolder(store: string, stage: string): Promise<string> {
  const names = await readdir(path.join(store, "weights"));
  return path.join(store, "weights", names.find((name) => name.startsWith(`${stage}-`))!);
}

async function lossesOf(store: string): Promise<number[]> {
  const text = await readFile(path.join(await stageFolder(store, "pretrain"), "metrics.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { loss: number }).loss);
}

/** Which step saw which document, as bytes. */
async function exposureOf(store: string): Promise<Buffer> {
  return readFile(path.join(await stageFolder(store, "pretrain"), "exposure.parquet"));
}

let recipe: string;
let reference: Record<string, string>;

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "firn-mpi-"));
  recipe = await writeTinyRecipe(dir, evenly);
  const { code, err } = await firn("build", recipe, "--store", at("one"), "--threads", "2");
  expect(code, err).toBe(0);
  reference = await storeHashes(at("one"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("two ranks under mpirun", () => {
  it("build the whole line to the same bytes as one", async () => {
    const job = startRanks(2, "build", recipe, "--store", at("two"));
    expect(await job.ended, job.output()).toBe(0);
    expect(job.output()).toContain("Trains on 2 ranks");
    expect(await storeHashes(at("two"))).toEqual(reference);
  });

  it("agree with one within fp32 summation error where they need smaller micro-batches, on the same documents", async () => {
    const whole = await writeTinyRecipe(at("whole"));
    expect(
      (await firn("build", whole, "--to", "weights", "--store", at("whole-one"), "--threads", "1")).code,
    ).toBe(0);
    const job = startRanks(2, "build", whole, "--to", "weights", "--store", at("whole-two"));
    expect(await job.ended, job.output()).toBe(0);
    const [one, two] = [await lossesOf(at("whole-one")), await lossesOf(at("whole-two"))];
    expect(two.length).toBe(one.length);
    // 40 steps, each from sums of 256 rows in another order (relative 256 · 6e-8 = 1.5e-5 at worst).
    // Sums of 256 rows in another order differ by a relative 256 · 6e-8 at worst and by far less on average. Training
    // then enlarges any difference, as it does that of two machines; the curves stay together as curves do.
    const apart = one.map((loss, i) => Math.abs(two[i]! / loss - 1));
    expect(Math.max(...apart.slice(0, 10))).toBeLessThan(1e-6);
    expect(Math.max(...apart)).toBeLessThan(0.03);
    expect(await exposureOf(at("whole-two"))).toEqual(await exposureOf(at("whole-one")));
  });

  it("go on from the checkpoint of one, and one from theirs, to the same bytes", async () => {
    const alone = startFirn(dir, "build", recipe, "--store", at("handed"), "--threads", "1");
    await eventually(() => hasCheckpoint(at("handed")));
    alone.kill("SIGKILL");
    await alone.ended;
    const job = startRanks(2, "build", recipe, "--store", at("handed"));
    expect(await job.ended, job.output()).toBe(0);
    expect(job.output()).toContain("Goes on after step");
    expect(await storeHashes(at("handed"))).toEqual(reference);
  });
});

describe("a job that loses a rank", () => {
  it("by SIGKILL ends with a message, and the last checkpoint leads to the same bytes", async () => {
    for (const rank of [1, 0]) {
      const store = at(`lost-${rank}`);
      const job = startRanks(2, "build", recipe, "--store", store);
      await eventually(() => hasCheckpoint(store));
      const other = processOf(1 - rank, store);
      process.kill(processOf(rank, store), "SIGKILL");
      expect(await job.ended).not.toBe(0);
      expect(job.output()).toContain(`process rank ${rank} with PID`);
      // mpirun does not wait for the last moments of those it has killed.
      await eventually(() => !existsSync(`/proc/${other}`));
      const { code, err } = await firn("build", recipe, "--store", store, "--threads", "2");
      expect(code, err).toBe(0);
      expect(err).toContain("Goes on after step");
      expect(await storeHashes(store)).toEqual(reference);
    }
  });

  it("that only hangs is given up after --rank-timeout, with a message", async () => {
    const store = at("stuck");
    const job = startRanks(2, "build", recipe, "--store", store, "--rank-timeout", "2");
    await eventually(() => hasCheckpoint(store));
    process.kill(processOf(1, store), "SIGSTOP");
    expect(await job.ended).not.toBe(0);
    expect(job.output()).toContain("TRAIN_RANK_SILENT");
  });

  it("by a mistake in the recipe says so once and ends", async () => {
    const wrong = await writeTinyRecipe(at("wrong"), (text) => text.replace("  batch: 4\n", "  batch: 3\n"));
    const job = startRanks(2, "build", wrong, "--store", at("wrong-store"));
    expect(await job.ended).not.toBe(0);
    expect(job.output().match(/TRAIN_RANKS/g)).toHaveLength(1);
  });
});
