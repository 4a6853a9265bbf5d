import { describe, expect, it } from "vitest";
import { learningRateAt } from "./schedule.ts";

describe("WSD learning rate", () => {
  const config = { type: "wsd", peak: 1.1e-4, final: 1.1e-5, warmupSteps: 10, cooldownShare: 0.2 } as const;

  it("rises linearly, stays, and cools down with 1 − √t", () => {
    expect(learningRateAt(config, 5, 1000)).toBeCloseTo(5.5e-5, 12);
    expect(learningRateAt(config, 400, 1000)).toBe(1.1e-4);
    expect(learningRateAt(config, 800, 1000)).toBe(1.1e-4);
    // Apertus-8B at half of its cooldown: 3.99964e-5.
    expect(learningRateAt(config, 900, 1000)).toBeCloseTo(3.99964e-5, 9);
    expect(learningRateAt(config, 1000, 1000)).toBeCloseTo(1.1e-5, 12);
  });

  it("has the multipliers of the reference table", () => {
    const unit = { type: "wsd", peak: 1, final: 0, warmupSteps: 0, cooldownShare: 1 } as const;
    const table: [number, number][] = [
      [0.1, 0.683772],
      [0.25, 0.5],
      [0.5, 0.292893],
      [0.75, 0.133975],
      [0.9, 0.051317],
    ];
    for (const [t, multiplier] of table)
      expect(learningRateAt(unit, t * 1000, 1000)).toBeCloseTo(multiplier, 6);
  });
});

describe("cosine and constant learning rates", () => {
  it("fall by half a cosine, or not at all, after a linear warm-up", () => {
    const cosine = { type: "cosine", peak: 2, final: 0.2, warmupSteps: 10 } as const;
    expect(learningRateAt(cosine, 5, 110)).toBe(1);
    expect(learningRateAt(cosine, 10, 110)).toBe(2);
    expect(learningRateAt(cosine, 60, 110)).toBeCloseTo(1.1, 12);
    expect(learningRateAt(cosine, 110, 110)).toBeCloseTo(0.2, 12);
    const constant = { type: "constant", peak: 2, warmupSteps: 10 } as const;
    expect([1, 10, 11, 110].map((step) => learningRateAt(constant, step, 110))).toEqual([0.2, 2, 2, 2]);
  });
});
