import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { readParquetRows } from "../artifacts/index.ts";
import { type Json, randomStream, silentReporter, type Work } from "../core/index.ts";
import { emptyRecord } from "./run-record.ts";
import { runTraining, type TrainingRun } from "./run-training.ts";
import { reasonToSkip, robustBound } from "./stability.ts";
import { patterns, TINY_MODEL, tinyRun } from "./tiny-run.test-run.ts";

const folders: string[] = [];
afterEach(async () => {
  await Promise.all(folders.splice(0).map((dir) => rm(dir, { recursive: true, force: true })));
});

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "firn-stability-"));
  folders.push(dir);
  return dir;
}

const policy = { deviations: 8, rollbackAfter: 3, stopAfter: 2 };

/** A run whose steps `from` … `to` get text that nothing was like before. */
function runWithBadData(dir: string, from: number, to: number): TrainingRun {
  const good = patterns(60);
  const random = randomStream(9, "bad data");
  const bad = Array.from({ length: 17 }, () => random.integer(TINY_MODEL.vocabSize));
  const documents = {
    ...good,
    ids: Int32Array.from([...good.ids, ...bad]),
    offsets: [...Array.from(good.offsets), good.ids.length + 17],
    names: [...good.names, "bad"],
    sources: [...good.sources!, "odd"],
    languages: [...good.languages!, null],
    bytes: [...good.bytes!, 17],
  };
  const run = tinyRun(dir, { steps: 70, checkpointEvery: 28, stability: policy }, good);
  const isBad = (sequence: number): boolean => sequence >= (from - 1) * 4 && sequence < to * 4;
  return {
    ...run,
    documents,
    packing: {
      ...run.packing,
      pieces: (sequence) =>
        isBad(sequence) ? [{ document: 60, start: 0, length: 17 }] : run.packing.pieces(sequence),
    },
  };
}

function workWith(facts: { kind: string; data: Json }[]): Work {
  return {
    report: silentReporter,
    signal: new AbortController().signal,
    fact: (kind, data) => facts.push({ kind, data }),
    workers: 1,
    threads: 1,
  };
}

async function documentsSeen(dir: string): Promise<Set<unknown>> {
  const seen = new Set<unknown>();
  for await (const rows of readParquetRows(join(dir, "exposure.parquet")))
    for (const row of rows) seen.add(row["document"]);
  return seen;
}

describe("a training run that meets bad data", () => {
  it("skips the steps before the weights change, names their documents, and goes on", async () => {
    const dir = await folder();
    const facts: { kind: string; data: Json }[] = [];
    const summary = await runTraining(runWithBadData(dir, 60, 61), workWith(facts));
    expect(summary).toMatchObject({ skippedSteps: 2, skippedTokens: 128, rollbacks: [] });
    expect(facts.map(({ kind }) => kind)).toEqual(["train-skip", "train-skip", "train"]);
    expect(facts[0]!.data).toMatchObject({ step: 60, documents: ["bad"] });
    expect(await documentsSeen(dir)).not.toContain("bad");
    const lines = (await readFile(join(dir, "metrics.jsonl"), "utf8")).trim().split("\n");
    expect(JSON.parse(lines[59]!).skipped).toMatch(/the loss .* is above/);
    expect(JSON.parse(lines[39]!).sources).toHaveProperty("even.bitsPerByte");
  });

  it("goes back to the last checkpoint after three in a row, passes over the data, and is repeatable", async () => {
    const [dir, again] = [await folder(), await folder()];
    const facts: { kind: string; data: Json }[] = [];
    const summary = await runTraining(runWithBadData(dir, 60, 62), workWith(facts));
    expect(summary).toMatchObject({
      skippedSteps: 0,
      rollbacks: [{ atStep: 62, toStep: 56, sequences: 24 }],
    });
    expect(facts.map(({ kind }) => kind)).toEqual([
      "train-skip",
      "train-skip",
      "train-skip",
      "train-rollback",
      "train",
    ]);
    expect(await documentsSeen(dir)).not.toContain("bad");
    expect(await runTraining(runWithBadData(again, 60, 62), workWith([]))).toEqual(summary);
    expect(await readFile(join(again, "model.safetensors"))).toEqual(
      await readFile(join(dir, "model.safetensors")),
    );
  });

  it("stops when passing over data does not help, and keeps the checkpoint", async () => {
    const dir = await folder();
    await expect(runTraining(runWithBadData(dir, 60, 1000), workWith([]))).rejects.toThrow("TRAIN_UNSTABLE");
    expect(await readFile(join(dir, "checkpoints", "step-00000056", "checkpoint.json"), "utf8")).toContain(
      "sha256",
    );
  });
});

describe("the bound on a step", () => {
  const found = (loss: number, gradientNorm: number) => ({
    loss,
    gradientNorm,
    negativeLogLikelihood: new Float32Array(0),
  });

  it("refuses what is not finite from the first step on", () => {
    const record = emptyRecord();
    expect(reasonToSkip(policy, record, [], found(Number.NaN, 1))).toBe("the loss is NaN");
    expect(reasonToSkip(policy, record, [], found(1, Number.POSITIVE_INFINITY))).toMatch("norm is Infinity");
    expect(reasonToSkip({ ...policy, deviations: null }, record, [], found(99, 99))).toBeUndefined();
  });

  it("compares with calm steps since the data last changed", () => {
    const record = emptyRecord();
    for (let i = 0; i < 50; i++) {
      record.losses.push(2 + 0.01 * (i % 3));
      record.norms.push(1);
    }
    expect(reasonToSkip(policy, record, [], found(2.9, 9))).toBeUndefined();
    expect(reasonToSkip(policy, record, [], found(3.2, 1))).toMatch("the loss 3.200 is above 3.0");
    expect(reasonToSkip(policy, record, [], found(2, 11))).toMatch("norm 11.0 is above 10.0");
    expect(reasonToSkip(policy, record, [40], found(3.2, 1))).toBeUndefined();
    expect(robustBound([1, 2, 3, 100], 8, 0)).toBeCloseTo(2.5 + 8 * 1.4826, 6);
  });
});
