import { describe, expect, it } from "vitest";
import { type AdEMAMixConfig, ademamixScalars, beta3At } from "./optimizer.ts";
import { learningRateAt } from "./schedule.ts";

const APERTUS: AdEMAMixConfig = {
  beta1: 0.9,
  beta2: 0.999,
  beta3: 0.9999,
  alpha: 8,
  eps: 1e-8,
  weightDecay: 0.1,
  warmupSteps: 100_000,
};

describe("AdEMAMix schedules", () => {
  it("warms beta3 up linearly in half-life, as in the reference values", () => {
    const expected: [number, number][] = [
      [1, 0.9009883],
      [1000, 0.9909009956],
      [10_000, 0.9990090103],
      [50_000, 0.9998002196],
      [100_000, 0.9999],
      [500_000, 0.9999],
    ];
    for (const [step, beta3] of expected) expect(beta3At(APERTUS, step)).toBeCloseTo(beta3, 7);
  });

  it("warms alpha up linearly and corrects only the fast mean and the variance", () => {
    const first = ademamixScalars(APERTUS, 1);
    expect(first.alpha).toBeCloseTo(8e-5, 12);
    expect(first.fastCorrection).toBeCloseTo(10, 9);
    expect(first.varianceCorrection).toBeCloseTo(Math.sqrt(1000), 6);
    expect(ademamixScalars(APERTUS, 200_000).alpha).toBe(8);
  });
});

describe("WSD learning rate", () => {
  const config = { peak: 1.1e-4, final: 1.1e-5, warmupSteps: 10, cooldownShare: 0.2 };

  it("rises linearly, stays, and cools down with 1 − √t", () => {
    expect(learningRateAt(config, 5, 1000)).toBeCloseTo(5.5e-5, 12);
    expect(learningRateAt(config, 400, 1000)).toBe(1.1e-4);
    expect(learningRateAt(config, 800, 1000)).toBe(1.1e-4);
    // Apertus-8B at half of its cooldown: 3.99964e-5.
    expect(learningRateAt(config, 900, 1000)).toBeCloseTo(3.99964e-5, 9);
    expect(learningRateAt(config, 1000, 1000)).toBeCloseTo(1.1e-5, 12);
  });

  it("has the multipliers of the reference table", () => {
    const unit = { peak: 1, final: 0, warmupSteps: 0, cooldownShare: 1 };
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
