import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomStream } from "../core/index.ts";
import { LogitChanges } from "./logit-changes.ts";
import { knownLogprobs, type LogitView, type SamplingOptions, sampleToken } from "./sampler.ts";

/** The view of `logits` that shows its `shown` best and, besides, the tokens `also`. */
function viewOf(logits: readonly number[], shown: number, also: readonly number[] = []): LogitView {
  const ranked = logits.map((logit, id) => ({ id, logit })).sort((a, b) => b.logit - a.logit || a.id - b.id);
  const known = ranked.filter(({ id }, place) => place < shown || also.includes(id));
  const totalWeight = logits.reduce((sum, logit) => sum + Math.exp(logit - ranked[0]!.logit), 0);
  return { known, hidden: logits.length - known.length, hiddenMax: ranked[shown - 1]!.logit, totalWeight };
}

const PLAIN: SamplingOptions = { temperature: 1, topP: 1, topK: 0, minP: 0 };
const bias = (...entries: readonly (readonly [number, number])[]) => ({
  changes: new LogitChanges([], { logitBias: new Map(entries) }),
});

describe("sampling", () => {
  it("takes the likeliest token at temperature 0", () => {
    const view = viewOf([1, 5, 3], 3);
    expect(sampleToken(view, { ...PLAIN, temperature: 0 }, 0.99)).toBe(1);
    expect(sampleToken(view, { ...PLAIN, temperature: 0, ...bias([1, -100]) }, 0)).toBe(2);
  });

  it("draws tokens as often as their probability says", () => {
    const probabilities = [0.5, 0.3, 0.2];
    const view = viewOf(probabilities.map(Math.log), 3);
    const random = randomStream(1, "draws");
    const counts = [0, 0, 0];
    for (let i = 0; i < 20_000; i++) counts[sampleToken(view, PLAIN, random.float())!]! += 1;
    probabilities.forEach((probability, id) => expect(counts[id]! / 20_000).toBeCloseTo(probability, 1.5));
  });

  it("keeps the smallest set that reaches top-p, and no more than top-k", () => {
    const view = viewOf([0.5, 0.3, 0.15, 0.05].map(Math.log), 4);
    const drawn = (options: Partial<SamplingOptions>): Set<number | undefined> =>
      new Set(Array.from({ length: 100 }, (_, i) => sampleToken(view, { ...PLAIN, ...options }, i / 100)));
    expect(drawn({ topP: 0.79 })).toEqual(new Set([0, 1]));
    expect(drawn({ topP: 0.81 })).toEqual(new Set([0, 1, 2]));
    expect(drawn({ topK: 1 })).toEqual(new Set([0]));
    expect(drawn({ topK: 3, topP: 0.4 })).toEqual(new Set([0]));
    expect(drawn({ topP: 0 })).toEqual(new Set([0]));
    expect(drawn({ topP: 0.4, temperature: 100 }).size).toBe(2);
  });

  it("keeps tokens at least min-p times as likely as the likeliest, at its temperature and inside top-p", () => {
    const view = viewOf([0.5, 0.3, 0.15, 0.05].map(Math.log), 4);
    const drawn = (options: Partial<SamplingOptions>): number =>
      new Set(Array.from({ length: 100 }, (_, i) => sampleToken(view, { ...PLAIN, ...options }, i / 100)))
        .size;
    expect(drawn({ minP: 0.29 })).toBe(3);
    expect(drawn({ minP: 0.31 })).toBe(2);
    expect(drawn({ minP: 1 })).toBe(1);
    // At temperature 2 the ratio 0.15 / 0.5 is its root.
    expect(drawn({ minP: 0.5, temperature: 2 })).toBe(3);
    expect(drawn({ minP: 0.29, topP: 0.79 })).toBe(2);
    expect(drawn({ minP: 0.29, topK: 1 })).toBe(1);
  });

  it("keeps to top-p when a bias pushed the likeliest token further down than numbers reach", () => {
    const view = viewOf([0, -40, -80], 3);
    const options = { ...PLAIN, temperature: 0.05, topP: 0.5, ...bias([0, -100]) };
    expect(new Set([0, 0.5, 0.99].map((uniform) => sampleToken(view, options, uniform)))).toEqual(
      new Set([1]),
    );
  });

  it("asks for more tokens when the hidden ones could matter", () => {
    const flat = Array.from({ length: 100 }, () => 0);
    expect(sampleToken(viewOf(flat, 10), { ...PLAIN, topP: 0.9 }, 0.5)).toBeUndefined();
    expect(sampleToken(viewOf(flat, 100), { ...PLAIN, topP: 0.9 }, 0.5)).toBeDefined();
    expect(sampleToken(viewOf(flat, 10), { ...PLAIN, topK: 20 }, 0.5)).toBeUndefined();
    const pushedDown = { ...PLAIN, temperature: 0, ...bias([0, -9]) };
    expect(sampleToken(viewOf([5, 1, 1], 1), pushedDown, 0)).toBeUndefined();
  });

  it("chooses from a partial view exactly what it would choose from the whole", () => {
    const cases = fc.record({
      logits: fc.array(fc.double({ min: -12, max: 12, noNaN: true }), { minLength: 30, maxLength: 60 }),
      shown: fc.integer({ min: 1, max: 30 }),
      temperature: fc.constantFrom(0, 0.3, 0.8, 1, 1.7),
      topP: fc.constantFrom(0.1, 0.5, 0.9, 0.99),
      topK: fc.constantFrom(0, 0, 1, 5, 40),
      minP: fc.constantFrom(0, 0, 0.05, 0.3, 1),
      biased: fc.integer({ min: 0, max: 29 }),
      biasedBy: fc.constantFrom(0, 3, -3),
      frequencyPenalty: fc.constantFrom(0, 2, -2, 0.5),
      presencePenalty: fc.constantFrom(0, 2, -2),
      repetitionPenalty: fc.constantFrom(1, 1, 1.3, 0.8),
      prompt: fc.array(fc.nat(29), { maxLength: 4 }),
      said: fc.array(fc.nat(29), { maxLength: 8 }),
      uniform: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    let decided = 0;
    fc.assert(
      fc.property(cases, ({ logits, shown, biased, biasedBy, uniform, prompt, said, ...rest }) => {
        const changes = new LogitChanges(prompt, { ...rest, logitBias: new Map([[biased, biasedBy]]) });
        for (const id of said) changes.add(id);
        const options = { ...rest, changes };
        const part = sampleToken(viewOf(logits, shown, changes.raised()), options, uniform);
        const whole = sampleToken(viewOf(logits, logits.length), options, uniform);
        expect(whole).toBeDefined();
        if (part !== undefined) {
          decided += 1;
          expect(part).toBe(whole);
        }
      }),
      { numRuns: 2000, seed: 5 },
    );
    expect(decided).toBeGreaterThan(500);
  });

  it("penalises tokens by OpenAI's formula, and before it repeated ones as transformers does", () => {
    const [prompt, answer] = [
      [0, 1],
      [2, 3, 2],
    ];
    const changes = new LogitChanges(prompt, {
      frequencyPenalty: 0.5,
      presencePenalty: 0.25,
      repetitionPenalty: 2,
      logitBias: new Map([[3, 7]]),
    });
    for (const id of answer) changes.add(id);
    // Token 0 and 1 stand in the prompt, 2 came twice, 3 once and is biased, 4 is new.
    expect([3, -3, 3, -3, 3].map((logit, id) => changes.of(id, logit))).toEqual([
      1.5,
      -6,
      1.5 - 2 * 0.5 - 0.25,
      -6 - 0.5 - 0.25 + 7,
      3,
    ]);
    expect(changes.raised()).toEqual([3]);
    const kind = new LogitChanges(prompt, { frequencyPenalty: -0.5 });
    for (const id of answer) kind.add(id);
    expect([kind.of(2, 1), kind.of(0, 1), kind.raised()]).toEqual([2, 1, [2, 3]]);
    expect(new LogitChanges(prompt, { repetitionPenalty: 0.5 }).raised()).toEqual([0, 1]);
  });

  it("reports probabilities of the model, not of the sampler", () => {
    const logprobs = knownLogprobs(viewOf([Math.log(0.6), Math.log(0.4)], 1));
    expect(logprobs).toEqual([{ id: 0, logprob: expect.closeTo(Math.log(0.6), 12) as number }]);
  });
});
