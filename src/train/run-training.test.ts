import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { randomStream, silentReporter, type Work } from "../core/index.ts";
import { APERTUS_8B, initialWeights, type ModelConfig } from "../model/index.ts";
import {
  FinetuneConfig,
  makeBatch,
  packStream,
  packWhole,
  runTraining,
  type TokenDocuments,
  type TrainingRun,
} from "./index.ts";

const folders: string[] = [];
afterEach(async () => {
  await Promise.all(folders.splice(0).map((dir) => rm(dir, { recursive: true, force: true })));
});

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "firn-train-"));
  folders.push(dir);
  return dir;
}

const model: ModelConfig = {
  ...APERTUS_8B,
  vocabSize: 48,
  hiddenSize: 32,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  ffnSize: 64,
  contextLength: 16,
  initStd: 0.05,
};

/** Documents `<s> … </s>` of repeating patterns, so that there is something to learn. */
function patterns(count: number): TokenDocuments {
  const random = randomStream(3, "patterns");
  const ids: number[] = [];
  const offsets = [0];
  const names: string[] = [];
  for (let i = 0; i < count; i++) {
    const length = 5 + random.integer(30);
    const start = 8 + random.integer(20);
    ids.push(1, ...Array.from({ length }, (_, j) => start + (j % 4)), 2);
    offsets.push(ids.length);
    names.push(`doc-${i}`);
  }
  return { ids: Int32Array.from(ids), offsets, names };
}

const config = FinetuneConfig.parse({
  seed: 5,
  steps: 12,
  batch: 4,
  length: 16,
  lossChunkRows: 24,
  optimizer: { warmupSteps: 50, clipNorm: 1 },
  learningRate: { peak: 0.01, final: 0.001, warmupSteps: 3, cooldownShare: 0.2 },
  checkpointEvery: 4,
});

function work(signal = new AbortController().signal): Work {
  return { report: silentReporter, signal, fact: () => undefined, workers: 1, threads: 2 };
}

function run(dir: string, documents = patterns(60)): TrainingRun {
  return {
    kind: "train",
    config,
    goldfish: { k: 4, window: 3 },
    model,
    weights: initialWeights(model, 1),
    documents,
    packing: packStream(
      documents,
      new Uint16Array(documents.names.length).fill(1),
      config.length,
      config.seed,
    ),
    flopsPerToken: 1000,
    dir,
  };
}

async function bytesOf(dir: string): Promise<Record<string, string>> {
  const files = (await readdir(dir)).sort();
  return Object.fromEntries(
    await Promise.all(
      files.map(async (file) => [file, (await readFile(join(dir, file))).toString("base64")]),
    ),
  );
}

describe("training", () => {
  it("lowers the loss and gives the same bytes twice, also after being stopped in between", async () => {
    const whole = await folder();
    const summary = await runTraining(run(whole), work());
    expect(summary["finalLoss"]).toBeLessThan(summary["firstLoss"] as number);

    const stopped = await folder();
    const controller = new AbortController();
    let updates = 0;
    const stopping: Work = {
      ...work(controller.signal),
      report: {
        line: () => undefined,
        task: () => ({
          update: () => {
            updates += 1;
            if (updates === 7) controller.abort(new Error("stopped by the test"));
          },
          finish: () => undefined,
        }),
      },
    };
    await expect(runTraining(run(stopped), stopping)).rejects.toThrow("stopped by the test");
    expect(await readdir(join(stopped, "checkpoints"))).toEqual(["step-00000004"]);
    expect(await runTraining(run(stopped), work())).toEqual(summary);
    expect(await bytesOf(stopped)).toEqual(await bytesOf(whole));
  });

  it("gives the same bytes with one thread and with two", async () => {
    const [one, two] = [await folder(), await folder()];
    await runTraining(run(one), { ...work(), threads: 1 });
    await runTraining(run(two), { ...work(), threads: 2 });
    expect(await bytesOf(one)).toEqual(await bytesOf(two));
  });

  it("passes over a damaged checkpoint, says so, and ends with the same bytes", async () => {
    const whole = await folder();
    await runTraining(run(whole), work());
    const damaged = await folder();
    const controller = new AbortController();
    const lines: string[] = [];
    const report = (abortAt: number): Work["report"] => ({
      line: (text) => lines.push(text),
      task: () => ({
        update: (done) => {
          if (done === abortAt * config.batch * config.length) controller.abort(new Error("stop"));
        },
        finish: () => undefined,
      }),
    });
    await expect(
      runTraining(run(damaged), { ...work(controller.signal), report: report(10) }),
    ).rejects.toThrow("stop");
    const newest = join(damaged, "checkpoints", "step-00000008", "weights.safetensors");
    const bytes = await readFile(newest);
    bytes[bytes.length - 3]! ^= 1;
    await writeFile(newest, bytes);
    await runTraining(run(damaged), { ...work(), report: report(-1) });
    expect(lines.join("\n")).toContain("Checkpoint of step 8 is not usable");
    expect(lines.join("\n")).toContain("Goes on after step 4");
    expect(await bytesOf(damaged)).toEqual(await bytesOf(whole));
  });

  it("refuses tokens of another tokenizer before any work", async () => {
    const documents = patterns(20);
    documents.ids[3] = 48;
    await expect(runTraining(run(await folder(), documents), work())).rejects.toThrow("TRAIN_TOKEN_RANGE");
  });
});

describe("packing", () => {
  it("uses every token of an epoch once as a label, except the counted remainder", () => {
    const documents = patterns(40);
    const repeats = new Uint16Array(40).fill(1);
    repeats[3] = 3;
    const packing = packStream(documents, repeats, 16, 9);
    for (const epoch of [0, 1]) {
      const seen = new Map<string, number>();
      for (let i = 0; i < packing.sequencesPerEpoch; i++) {
        const pieces = packing.pieces(epoch * packing.sequencesPerEpoch + i);
        expect(pieces.reduce((sum, piece) => sum + piece.length, 0)).toBe(17);
        let at = 0;
        for (const piece of pieces) {
          for (let j = 0; j < piece.length; j++, at++) {
            const key = `${piece.document}:${piece.start + j}`;
            if (at > 0) seen.set(key, (seen.get(key) ?? 0) + 1);
          }
        }
      }
      const labels = [...seen.values()].reduce((a, b) => a + b, 0);
      expect(labels).toBe(packing.sequencesPerEpoch * 16);
      for (const [key, count] of seen) expect(count).toBeLessThanOrEqual(key.startsWith("3:") ? 3 : 1);
    }
  });

  it("restarts positions at documents and learns </s> but not the next document's <s>", () => {
    const documents = { ids: Int32Array.of(1, 9, 2, 1, 10, 11, 2), offsets: [0, 3, 7], names: ["a", "b"] };
    const packing = packStream(documents, Uint16Array.of(1, 1), 6, 0);
    const batch = makeBatch(documents, packing, { batch: 1, length: 6, padId: 3, goldfish: null }, 1);
    const text = [...batch.ids];
    const border = text.indexOf(2);
    expect(batch.labels[border]).toBe(1);
    expect(batch.weights[border]).toBe(0);
    expect(batch.positions[border + 1]).toBe(0);
    expect(batch.segments[border + 1]).toBe(1);
    expect(batch.counts).toEqual({ learnt: 5, goldfish: 0, border: 1, withheld: 0 });
    expect(batch.weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
  });

  it("keeps conversations whole, pads the rest, and learns only what is learnable", () => {
    const ids = Int32Array.of(1, 9, 8, 8, 1, 9, 7, 1, 9, 9, 9, 9, 9, 6);
    const learnable = Uint8Array.from(ids, (id) => (id < 9 && id > 1 ? 1 : 0));
    const documents = { ids, offsets: [0, 4, 7, 14], names: ["a", "b", "c"], learnable };
    const packing = packWhole(documents, 7, 1);
    expect(packing.sequencesPerEpoch).toBe(2);
    const batch = makeBatch(documents, packing, { batch: 2, length: 7, padId: 3, goldfish: null }, 1);
    expect(batch.counts.learnt).toBe(4);
    expect(() => packWhole(documents, 5, 1)).toThrow("TRAIN_DOCUMENT_TOO_LONG");
  });
});
