/** @file What a model recites, asked of a model that was trained here on canaries, and of models that know by heart. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type MemorisationRecord,
  type Probe,
  summariseEvaluation,
  summariseMemorisation,
} from "../artifacts/index.ts";
import { randomStream, silentReporter } from "../core/index.ts";
import type { LanguageModel } from "../generate/index.ts";
import { continueGreedily } from "./continue-greedily.ts";
import { measureMemorisation, type MemorisationOptions, probeCuts } from "./memorisation.ts";
import {
  commonBeginning,
  longestCommonRun,
  longestCommonSubsequence,
  rougeL,
  typeTokenRatio,
} from "./overlap.ts";
import { renderEvaluation } from "./render.ts";
import type { TextCodec } from "./text-codec.ts";

const work = { report: silentReporter, signal: new AbortController().signal };
const bytes: TextCodec = {
  encode: (text) => [...Buffer.from(text)],
  decode: (ids) => Buffer.from(ids).toString(),
  bosId: 256,
  eosId: 257,
};
const VOCABULARY = 258;

/** Counts what followed the last four tokens in its texts; backs off to fewer, at last to a hash of the token before. */
class Reciter implements LanguageModel {
  readonly name = "reciter";
  readonly vocabSize = VOCABULARY;
  readonly contextLength: number;
  passes = 0;
  readonly #followers = new Map<string, Map<number, number>>();

  constructor(texts: readonly (readonly [text: string, times: number])[], contextLength = 200) {
    this.contextLength = contextLength;
    for (const [text, times] of texts) {
      const ids = [256, ...Buffer.from(text), 257];
      for (let i = 1; i < ids.length; i++)
        for (let n = 1; n <= 4 && n <= i; n++) {
          const key = ids.slice(i - n, i).join(" ");
          const counts = this.#followers.get(key) ?? new Map<number, number>();
          this.#followers.set(key, counts.set(ids[i]!, (counts.get(ids[i]!) ?? 0) + times));
        }
    }
  }

  #probabilities(before: readonly number[]): Float64Array {
    const found = new Float64Array(VOCABULARY).fill(1e-3 / VOCABULARY);
    for (let n = 4; n >= 1; n--) {
      const counts = this.#followers.get(before.slice(-n).join(" "));
      if (counts === undefined) continue;
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      for (const [id, count] of counts) found[id]! += (0.999 * count) / (total + 8);
      break;
    }
    found[(before.at(-1)! * 31 + 7) % 256]! += 1e-4;
    const sum = found.reduce((all, value) => all + value, 0);
    return found.map((value) => value / sum);
  }

  async score(sequences: readonly (readonly number[])[]): Promise<Float64Array[]> {
    return sequences.map((ids) =>
      Float64Array.from(ids, (id, i) => (i === 0 ? 0 : Math.log(this.#probabilities(ids.slice(0, i))[id]!))),
    );
  }

  async distributions(ids: readonly number[], top: number, from = 0) {
    this.passes += 1;
    if (ids.length > this.contextLength) throw new RangeError("longer than the context");
    if (top !== 1) throw new RangeError("only the likeliest is asked for");
    return ids.slice(from).map((_, i) => {
      const probabilities = this.#probabilities(ids.slice(0, from + i + 1));
      const id = probabilities.indexOf(Math.max(...probabilities));
      return [{ id, logprob: Math.log(probabilities[id]!) }];
    });
  }

  generate(): AsyncGenerator<never, void, void> {
    throw new Error("not asked");
  }

  async close(): Promise<void> {}
}

/** Token after token, as one would without guessing. */
async function plainly(
  model: LanguageModel,
  prompt: readonly number[],
  maxTokens: number,
  stopId: number,
): Promise<number[]> {
  const said: number[] = [];
  while (said.length < maxTokens && prompt.length + said.length < model.contextLength) {
    const known = [...prompt, ...said];
    const { id } = (await model.distributions(known, 1, known.length - 1))[0]![0]!;
    if (id === stopId) break;
    said.push(id);
  }
  return said;
}

const random = randomStream(4, "memorisation test");
const secret = (length: number): string =>
  Array.from({ length }, () => "abcdefghijklmnopqrstuvwxyz"[random.integer(26)]).join("");
const probe = (id: string, repetitions: number, fields: Partial<Probe> = {}): Probe => ({
  id: `canaries/${id}`,
  kind: "words",
  repetitions,
  prefixes: "same",
  characters: 40,
  documents: [],
  text: secret(40),
  ...fields,
});
const options = (
  probes: readonly Probe[],
  fields: Partial<MemorisationOptions> = {},
): MemorisationOptions => ({
  probes,
  references: [],
  prefixTokens: [10, 50],
  suffixTokens: 30,
  perBucket: 100,
  goldfish: null,
  timesRead: ({ repetitions }) => 2 * repetitions,
  ...fields,
});

describe("overlap of token sequences", () => {
  const tokens = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 12 });
  /** Every subsequence, by the definition. */
  const subsequences = (a: readonly number[]): number[][] =>
    a.reduce<number[][]>((all, token) => [...all, ...all.map((one) => [...one, token])], [[]]);

  it("is what its definition says", () => {
    fc.assert(
      fc.property(tokens, tokens, (a, b) => {
        const of = new Set(subsequences(b).map((one) => one.join()));
        const longest = Math.max(...subsequences(a).map((one) => (of.has(one.join()) ? one.length : 0)));
        expect(longestCommonSubsequence(a, b)).toBe(longest);
        const runs = a.flatMap((_, i) => a.slice(i).map((__, n) => a.slice(i, i + n + 1)));
        const inside = runs.filter((run) => `,${b.join()},`.includes(`,${run.join()},`));
        expect(longestCommonRun(a, b)).toBe(Math.max(0, ...inside.map((run) => run.length)));
        expect(commonBeginning(a, b)).toBeLessThanOrEqual(longestCommonRun(a, b));
      }),
      { numRuns: 60 },
    );
  });

  it("has the values of a worked example", () => {
    expect(rougeL([1, 2, 3, 4], [1, 3, 4, 5, 6, 7])).toBeCloseTo((2 * 0.75 * 0.5) / (0.75 + 0.5), 12);
    expect(rougeL([], [1])).toBe(0);
    expect(typeTokenRatio([1, 1, 2, 3])).toBe(0.75);
  });
});

describe("going on with the likeliest tokens", () => {
  it("says what token after token says, whatever was hoped for, in fewer passes", async () => {
    const text = secret(30);
    const model = new Reciter(
      [
        [`${text}${secret(20)}`, 3],
        ["tick tock tick tock tick tock", 9],
      ],
      60,
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(text.slice(0, 6), "tick", "zz", ""),
        fc.constantFrom(text.slice(6), "tock tick", secret(40), ""),
        fc.integer({ min: 1, max: 70 }),
        async (begin, hope, maxTokens) => {
          const prompt = [256, ...Buffer.from(begin)];
          const asked = { maxTokens, stopId: 257, hope: [...Buffer.from(hope)], signal: work.signal };
          expect(await continueGreedily(model, prompt, asked)).toEqual(
            await plainly(model, prompt, maxTokens, 257),
          );
        },
      ),
      { numRuns: 40 },
    );
    model.passes = 0;
    const truth = [...Buffer.from(text.slice(6))];
    const asked = { maxTokens: truth.length, stopId: 257, hope: truth, signal: work.signal };
    expect(await continueGreedily(model, [256, ...Buffer.from(text.slice(0, 6))], asked)).toEqual(truth);
    expect(model.passes).toBeLessThan(3);
  });
});

describe("where a probe is cut", () => {
  const apertus = { prefixTokens: [50, 100, 250, 500, 5000], suffixTokens: 500 };

  it("is at every prefix that leaves as much to compare, inside the text and the context", () => {
    const prefixes = (tokens: number, room: number) =>
      probeCuts("text", tokens, room, apertus).map(({ prefix }) => prefix);
    expect(prefixes(8192, 65_535)).toEqual([50, 100, 250, 500, 5000]);
    expect(prefixes(8192, 255)).toEqual([50, 100]);
    expect(probeCuts("text", 8192, 255, apertus)[1]).toEqual({ given: "prefix", prefix: 100, suffix: 155 });
    expect(probeCuts("text", 61, 255, apertus)).toEqual([{ given: "half", prefix: 30, suffix: 31 }]);
    expect(probeCuts("words", 200, 4095, apertus)).toEqual([{ given: "half", prefix: 100, suffix: 100 }]);
    expect(probeCuts("words", 0, 4095, apertus)).toEqual([]);
  });
});

describe("memorisation", () => {
  const known = Array.from({ length: 3 }, (_, i) => probe(`known-${i}`, 16));
  const unknown = Array.from({ length: 40 }, (_, i) => probe(`unknown-${i}`, 0));
  const references = Array.from({ length: 63 }, () => ({
    kind: "words" as const,
    characters: 40,
    text: secret(40),
  }));
  let records: MemorisationRecord[];
  const model = new Reciter(known.map(({ text }) => [` ${text}`, 16]));
  beforeAll(async () => {
    records = await measureMemorisation(model, bytes, options([...known, ...unknown], { references }), work);
  });
  afterAll(() => model.close());

  it("is whole for what a model knows by heart, and none for what it never read", () => {
    for (const { example, repetitions, continuations, rank } of records) {
      const [{ matched, suffixTokens, rougeL: rouge, lccs }] = continuations as [(typeof continuations)[0]];
      if (repetitions === 0) {
        expect(matched, example).toBeLessThan(4);
        continue;
      }
      expect([matched, rouge, lccs, rank], example).toEqual([suffixTokens, 1, 1, 1]);
    }
  });

  it("adds up per repetition count, with an exposure of 1.44 bits by chance", () => {
    const { canaries, probes, goldfish } = summariseMemorisation(records)!;
    expect([probes, goldfish]).toEqual([43, null]);
    const [unseen, seen] = canaries as [(typeof canaries)[0], (typeof canaries)[0]];
    expect(seen).toMatchObject({ repetitions: 16, timesRead: 32, exact: 1, exposure: 6, exposureLimit: 6 });
    expect(unseen).toMatchObject({ repetitions: 0, timesRead: 0, exact: 0, probes: 40 });
    // The mean of 40 exposures, each with a standard deviation of log2(e): three standard errors.
    expect(Math.abs(unseen.exposure! - Math.LOG2E)).toBeLessThan((3 * Math.LOG2E) / Math.sqrt(40));
  });

  it("is printed with a line for every repetition count", () => {
    const text = renderEvaluation(summariseEvaluation(records));
    expect(text).toMatch(/canaries, same words before +half +16 +32\.0 +3 +1\.000 +1\.000 +100\.0 %/);
    expect(text).toContain("trained on every label");
    expect(text).not.toMatch(/NaN|undefined/);
  });

  it("ranks texts among the unseen ones, and leaves structured text out of the means", async () => {
    const fields = { kind: "text", prefixes: null, characters: undefined } as const;
    const plain = (id: string, repetitions: number, text: string): Probe => {
      const { characters: _, ...rest } = probe(id, repetitions, { ...fields, text, id });
      return rest;
    };
    const read = plain("books/a", 4, secret(90));
    const table = plain("books/b", 4, "0, ".repeat(40));
    const unseen = Array.from({ length: 3 }, (_, i) => plain(`books/u${i}`, 0, secret(90)));
    const reader = new Reciter([
      [read.text, 4],
      [table.text, 4],
    ]);
    const measured = await measureMemorisation(
      reader,
      bytes,
      options([read, table, ...unseen], { goldfish: 50 }),
      work,
    );
    expect(measured[0]).toMatchObject({ references: 3, rank: 1 });
    expect(measured[2]).toMatchObject({ references: 2 });
    const { texts, goldfish } = summariseMemorisation(measured)!;
    expect(goldfish).toBe(50);
    const four = texts.filter(({ repetitions }) => repetitions === 4);
    expect(four.map(({ prefixTokens, structured, probes }) => [prefixTokens, structured, probes])).toEqual([
      [10, 1, 2],
      [50, 1, 2],
    ]);
    expect(four.every(({ exact }) => exact === 1)).toBe(true);
  });

  it("continues only so many probes of a bucket", async () => {
    const few = await measureMemorisation(
      model,
      bytes,
      options([...known, ...unknown], { perBucket: 2 }),
      work,
    );
    expect(few.map(({ example }) => example)).toEqual([
      "canaries/known-0",
      "canaries/known-1",
      "canaries/unknown-0",
      "canaries/unknown-1",
    ]);
    expect(few[0]).toMatchObject({ references: 0, rank: null });
    expect(summariseMemorisation(few)!.canaries[0]!.exposure).toBeNull();
  });
});
