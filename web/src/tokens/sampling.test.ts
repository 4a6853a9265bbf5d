import fc from "fast-check";
import { expect, it } from "vitest";
import { sampleToken } from "../../../src/generate/index.ts";
import { NEUTRAL, sampledShares } from "./sampling.ts";

const logits = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 1, maxLength: 40 });

function sorted(values: readonly number[]): Float32Array {
  const total = Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0));
  return Float32Array.from(values, (value) => value - total)
    .sort()
    .reverse();
}

it("shows the shares with which the server's sampler draws", () => {
  const knobs = fc.record({
    temperature: fc.double({ min: 0.1, max: 3, noNaN: true }),
    topK: fc.nat(20),
    topP: fc.double({ min: 0.05, max: 1, noNaN: true }),
    minP: fc.constantFrom(0, 0.02, 0.3),
  });
  fc.assert(
    fc.property(logits, knobs, fc.double({ min: 0, max: 0.999, noNaN: true }), (values, given, uniform) => {
      const logprobs = sorted(values);
      const shares = sampledShares(logprobs, given);
      const known = Array.from(logprobs, (logit, id) => ({ id, logit }));
      const totalWeight = known.reduce((sum, { logit }) => sum + Math.exp(logit - logprobs[0]!), 0);
      const view = { known, hidden: 0, hiddenMax: Number.NEGATIVE_INFINITY, totalWeight };
      const drawn = sampleToken(view, given, uniform)!;
      let below = 0;
      for (let rank = 0; rank < drawn; rank++) below += shares[rank]!;
      expect(below).toBeLessThanOrEqual(uniform + 1e-9);
      expect(below + shares[drawn]!).toBeGreaterThanOrEqual(uniform - 1e-9);
    }),
  );
});

it("keeps by min-p the tokens that have that share of the likeliest one, and leaves all as they are when neutral", () => {
  fc.assert(
    fc.property(logits, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, minP) => {
      const logprobs = sorted(values);
      const neutral = sampledShares(logprobs, NEUTRAL);
      neutral.forEach((share, rank) => expect(share).toBeCloseTo(Math.exp(logprobs[rank]!), 5));
      const kept = sampledShares(logprobs, { ...NEUTRAL, minP }).length;
      expect(kept).toBe(
        Math.max(1, logprobs.findLastIndex((value) => Math.exp(value - logprobs[0]!) >= minP) + 1),
      );
    }),
  );
  expect(sampledShares(sorted([1, 2, 3]), { ...NEUTRAL, temperature: 0 })).toEqual(Float64Array.of(1));
});
