import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { assembleKernel } from "../../../scripts/assemble-kernel.ts";
import { FastText } from "./fasttext.ts";
import { type FastTextTables, readFastText } from "./fasttext-file.ts";
import { KERNEL_BASE64 } from "./fasttext-kernel.data.ts";
import { allocateKernel, FastTextKernel, packOutput } from "./fasttext-kernel.ts";

const folder = fileURLToPath(new URL("./fasttext-data/", import.meta.url));
const { texts } = z
  .object({ texts: z.array(z.string()) })
  .parse(JSON.parse(await readFile(`${folder}predictions.json`, "utf8")));

/** A model of any shape, with numbers that make rounding visible. */
function madeUp(columns: number, labels: number, rows: number, seed: number): FastTextTables {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state / 2 ** 31 - 1) * 10 ** ((state % 7) - 3);
  };
  const kernel = allocateKernel(columns, labels, rows * columns * 4)!;
  const values = new Float32Array(kernel.memory.buffer, kernel.inputAt, rows * columns);
  for (let i = 0; i < values.length; i++) values[i] = next();
  const output = Float32Array.from({ length: labels * columns }, next);
  packOutput(kernel, output);
  return {
    loss: "softmax",
    wordNgrams: 1,
    buckets: rows,
    minCharacters: 1,
    maxCharacters: 4,
    words: 0,
    wordBytes: new Uint8Array(0),
    wordOffsets: new Uint32Array(1),
    labels: Array.from({ length: labels }, (_, i) => `__label__${i}`),
    labelCounts: Array.from({ length: labels }, () => 1),
    pruned: undefined,
    input: { kind: "dense", rows, columns, values },
    output: { kind: "dense", rows: labels, columns, values: output },
    kernel,
  };
}

describe("the kernel", () => {
  it("is what its source says", async () => {
    expect((await assembleKernel()).toString("base64")).toBe(KERNEL_BASE64);
  });

  it.each([
    "softmax.bin",
    "hierarchical.bin",
    "one-vs-all.bin",
    "words.bin",
    "quantized.ftz",
    "quantized-output.ftz",
  ])("changes no bit of an answer: %s", async (name) => {
    const tables = await readFastText(folder + name);
    const [fast, plain] = [new FastText(tables), new FastText(tables, { useKernel: false })];
    for (const text of texts) expect(fast.predict(text, 9)).toEqual(plain.predict(text, 9));
  });

  it("changes no bit whatever the shape of the model and the text", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 300 }),
        fc.nat(),
        fc.string({ unit: "grapheme", maxLength: 60 }),
        fc.integer({ min: 1, max: 120 }),
        (columns, labels, rows, seed, text, repeat) => {
          const tables = madeUp(columns, labels, rows, seed);
          const long = `${text} `.repeat(repeat);
          const fast = new FastText(tables).predict(long, labels);
          expect(fast).toEqual(new FastText(tables, { useKernel: false }).predict(long, labels));
        },
      ),
      { numRuns: 40 },
    );
  });

  it("gives each thread its own place, and has no more than it says", () => {
    const { kernel } = madeUp(16, 20, 10, 1);
    const opened = Array.from({ length: 70 }, () => FastTextKernel.open(kernel!));
    const places = opened.flatMap((one) => (one === undefined ? [] : [one.hidden.byteOffset]));
    expect(places).toHaveLength(64);
    expect(new Set(places).size).toBe(64);
    expect(Math.max(...places)).toBeLessThan(kernel!.packedAt);
  });

  it("works on the same memory from another thread", async () => {
    const tables = madeUp(16, 20, 50, 2);
    const worker = new Worker(
      `const { parentPort, workerData } = require("node:worker_threads");
       const { kernel, input } = workerData;
       parentPort.postMessage(input.values.buffer === kernel.memory.buffer && input.values[3]);`,
      { eval: true, workerData: tables },
    );
    const seen = await new Promise((resolve) => worker.once("message", resolve));
    await worker.terminate();
    expect(seen).toBe(tables.input.kind === "dense" ? tables.input.values[3] : undefined);
  });

  it("leaves models that no memory can hold to the plain sums", () => {
    expect(allocateKernel(300, 2000, 2 ** 32)).toBeUndefined();
  });
});
