import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomStream } from "../core/index.ts";
import { knownLogprobs, type LogitView, type SamplingOptions, sampleToken } from "./sampler.ts";

/** The view of `logits` that shows its `shown` best and, besides, the tokens `also`. */
function viewOf(logits: readonly number[], shown: number, also: readonly number[] = []): LogitView {
  const ranked = logits.map((logit, id) => ({ id, logit })).sort((a, b) => b.logit - a.logit || a.id - b.id);
  const known = ranked.filter(({ id }, place) => place < shown || also.includes(id));
  const totalWeight = logits.reduce((sum, logit) => sum + Math.exp(logit - ranked[0]!.logit), 0);
  return { known, hidden: logits.length - known.length, hiddenMax: ranked[shown - 1]!.logit, totalWeight };
}

const PLAIN: SamplingOptions = { temperature: 1, topP: 1, topK: 0, logitBias: new Map() };

describe("sampling", () => {
  it("takes the likeliest token at temperature 0", () => {
    const view = viewOf([1, 5, 3], 3);
    expect(sampleToken(view, { ...PLAIN, temperature: 0 }, 0.99)).toBe(1);
    expect(sampleToken(view, { ...PLAIN, temperature: 0, logitBias: new Map([[1, -100]]) }, 0)).toBe(2);
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

  it("asks for more tokens when the hidden ones could matter", () => {
    const flat = Array.from({ length: 100 }, () => 0);
    expect(sampleToken(viewOf(flat, 10), { ...PLAIN, topP: 0.9 }, 0.5)).toBeUndefined();
    expect(sampleToken(viewOf(flat, 100), { ...PLAIN, topP: 0.9 }, 0.5)).toBeDefined();
    expect(sampleToken(viewOf(flat, 10), { ...PLAIN, topK: 20 }, 0.5)).toBeUndefined();
    const pushedDown = { ...PLAIN, temperature: 0, logitBias: new Map([[0, -9]]) };
    expect(sampleToken(viewOf([5, 1, 1], 1), pushedDown, 0)).toBeUndefined();
  });

  it("chooses from a partial view exactly what it would choose from the whole", () => {
    const cases = fc.record({
      logits: fc.array(fc.double({ min: -12, max: 12, noNaN: true }), { minLength: 30, maxLength: 60 }),
      shown: fc.integer({ min: 1, max: 30 }),
      temperature: fc.constantFrom(0, 0.3, 0.8, 1, 1.7),
      topP: fc.constantFrom(0.1, 0.5, 0.9, 0.99),
      topK: fc.constantFrom(0, 0, 1, 5, 40),
      biased: fc.integer({ min: 0, max: 29 }),
      bias: fc.constantFrom(0, 3, -3),
      uniform: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    let decided = 0;
    fc.assert(
      fc.property(cases, ({ logits, shown, biased, bias, uniform, ...rest }) => {
        const options = { ...rest, logitBias: new Map([[biased, bias]]) };
        const part = sampleToken(viewOf(logits, shown, [biased]), options, uniform);
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

  it("reports probabilities of the model, not of the sampler", () => {
    const logprobs = knownLogprobs(viewOf([Math.log(0.6), Math.log(0.4)], 1));
    expect(logprobs).toEqual([{ id: 0, logprob: expect.closeTo(Math.log(0.6), 12) as number }]);
  });
});
