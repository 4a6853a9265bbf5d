import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { FastText } from "./fasttext.ts";
import { FastTextIdentifier } from "./fasttext-identifier.ts";
import { readFastText } from "./fasttext-file.ts";

/** Models and answers of the package fasttext 0.9.2, made by bench/peers/fasttext_reference.py. */
const folder = fileURLToPath(new URL("./fasttext-data/", import.meta.url));
const KINDS = [
  "softmax.bin",
  "hierarchical.bin",
  "one-vs-all.bin",
  "words.bin",
  "quantized.ftz",
  "quantized-output.ftz",
];
const answers = z
  .object({
    texts: z.array(z.string()),
    models: z.record(z.string(), z.array(z.array(z.tuple([z.string(), z.number()])))),
  })
  .parse(JSON.parse(await readFile(join(folder, "predictions.json"), "utf8")));

describe("a fastText model", () => {
  it.each(KINDS)("answers as fastText does: %s", async (name) => {
    const model = new FastText(await readFastText(join(folder, name)));
    for (const [i, text] of answers.texts.entries()) {
      const expected = answers.models[name]![i]!;
      const found = model.predict(text, 4);
      expect(found.length).toBeGreaterThanOrEqual(expected.length);
      for (const [k, [label, probability]] of expected.entries()) {
        // Single precision: e^x differs in its last bit between mathematics libraries.
        expect(Math.abs(found[k]!.probability - probability)).toBeLessThan(2e-6);
        const near = (other: number): boolean =>
          Math.abs((found[other]?.probability ?? -1) - probability) < 2e-6;
        if (!near(k - 1) && !near(k + 1)) expect(found[k]!.label).toBe(label);
      }
    }
  });

  it("is refused when it is cut, damaged or something else, and never crashes the reader", async () => {
    const dir = await mkdtemp(join(tmpdir(), "firn-fasttext-"));
    const path = join(dir, "model.bin");
    const bytes = await readFile(join(folder, "quantized.ftz"));
    for (const length of [0, 3, 8, 60, 100, 1000, bytes.length - 1]) {
      await writeFile(path, bytes.subarray(0, length));
      await expect(readFastText(path)).rejects.toMatchObject({ code: "DATA_FASTTEXT_BROKEN" });
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(4000), fc.nat(255), async (at, value) => {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        await writeFile(path, changed);
        const tables = await readFastText(path).catch((error: unknown) => error);
        if (tables instanceof Error) expect(tables).toMatchObject({ code: "DATA_FASTTEXT_BROKEN" });
      }),
      { numRuns: 150 },
    );
    await rm(dir, { recursive: true });
  });

  it("identifies languages by its labels, in ISO codes", async () => {
    const model = new FastText(await readFastText(join(folder, "softmax.bin")));
    const identifier = new FastTextIdentifier(model);
    const firsts = answers.models["softmax.bin"]!.map(([first]) => first!);
    const sure = firsts.reduce((best, [, p], i) => (p > firsts[best]![1] ? i : best), 0);
    const language = firsts[sure]![0].replace("__label__", "");
    const text = answers.texts[sure]!;
    const { found, declaredScore } = identifier.identifyAgainst(text, language);
    expect(found).toMatchObject({ label: language, language });
    expect(declaredScore).toBe(found.score);
    expect(identifier.identifyAgainst(text, "zul").declaredScore).toBeUndefined();
    expect(identifier.identifyAgainst(" 123 ", undefined).found.language).toBe("und");
  });

  it("takes any text", async () => {
    const model = new FastText(await readFastText(join(folder, "softmax.bin")));
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(model.predict(text)).toHaveLength(1);
      }),
    );
  });
});
