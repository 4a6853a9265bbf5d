import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { silentReporter, type Work } from "../core/index.ts";
import { makeBatch, packStream, packWhole, runTraining } from "./index.ts";
import { patterns, tinyRun } from "./tiny-run.test-run.ts";

const folders: string[] = [];
afterEach(async () => {
  await Promise.all(folders.splice(0).map((dir) => rm(dir, { recursive: true, force: true })));
});

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "firn-train-"));
  folders.push(dir);
  return dir;
}

function work(signal = new AbortController().signal): Work {
  return { report: silentReporter, signal, fact: () => undefined, workers: 1, threads: 2 };
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
    const summary = await runTraining(tinyRun(whole), work());
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
    await expect(runTraining(tinyRun(stopped), stopping)).rejects.toThrow("stopped by the test");
    expect(await readdir(join(stopped, "checkpoints"))).toEqual(["step-00000004"]);
    expect(await runTraining(tinyRun(stopped), work())).toEqual(summary);
    expect(await bytesOf(stopped)).toEqual(await bytesOf(whole));
  });

  it("gives the same bytes with one thread and with two", async () => {
    const [one, two] = [await folder(), await folder()];
    await runTraining(tinyRun(one), { ...work(), threads: 1 });
    await runTraining(tinyRun(two), { ...work(), threads: 2 });
    expect(await bytesOf(one)).toEqual(await bytesOf(two));
  });

  it("passes over a damaged checkpoint, says so, and ends with the same bytes", async () => {
    const whole = await folder();
    await runTraining(tinyRun(whole), work());
    const damaged = await folder();
    const controller = new AbortController();
    const lines: string[] = [];
    const report = (abortAt: number): Work["report"] => ({
      line: (text) => lines.push(text),
      task: () => ({
        update: (done) => {
          if (done === abortAt * 4 * 16) controller.abort(new Error("stop"));
        },
        finish: () => undefined,
      }),
    });
    await expect(
      runTraining(tinyRun(damaged), { ...work(controller.signal), report: report(10) }),
    ).rejects.toThrow("stop");
    const newest = join(damaged, "checkpoints", "step-00000008", "weights.safetensors");
    const bytes = await readFile(newest);
    bytes[bytes.length - 3]! ^= 1;
    await writeFile(newest, bytes);
    await runTraining(tinyRun(damaged), { ...work(), report: report(-1) });
    expect(lines.join("\n")).toContain("Checkpoint of step 8 is not usable");
    expect(lines.join("\n")).toContain("Goes on after step 4");
    expect(await bytesOf(damaged)).toEqual(await bytesOf(whole));
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
    const batch = makeBatch(
      documents,
      packing,
      { length: 6, padId: 3, goldfish: null },
      { first: 0, batch: 1 },
    );
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
    const batch = makeBatch(
      documents,
      packing,
      { length: 7, padId: 3, goldfish: null },
      { first: 0, batch: 2 },
    );
    expect(batch.counts.learnt).toBe(4);
    expect(() => packWhole(documents, 5, 1)).toThrow("TRAIN_DOCUMENT_TOO_LONG");
  });
});
