import { describe, expect, it } from "vitest";
import { randomStream } from "../core/index.ts";
import { APERTUS_8B, type ModelConfig, parameterSpecs } from "./config.ts";
import { logSoftmax, referenceLogits, xielu } from "./reference.ts";
import { ropeDivisors, ropeFrequencies } from "./rope.ts";

const TINY: ModelConfig = {
  ...APERTUS_8B,
  vocabSize: 20,
  hiddenSize: 12,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 6,
  ffnSize: 16,
  contextLength: 32,
};

function randomWeights(config: ModelConfig): Map<string, Float32Array> {
  return new Map(
    parameterSpecs(config).map(({ name, shape }) => {
      const random = randomStream(7, name);
      const length = shape.reduce((product, size) => product * size, 1);
      return [name, Float32Array.from({ length }, () => random.normal() * 0.3)];
    }),
  );
}

describe("rotary frequencies", () => {
  // Values after llama3 scaling for head dimension 128, computed in float64 with Megatron-LM's `_apply_scaling`.
  it.each([
    [5e5, [1, 0.037606031, 0.0072926647, 0.003211446, 0.00052484616, 3.4281022e-5, 3.068926e-7]],
    [1.2e7, [1, 0.016990442, 0.0014960279, 0.00010985366, 3.6084392e-5, 4.7035063e-6, 1.3438196e-8]],
  ])("match Apertus at θ = %s", (theta, expected) => {
    const got = ropeFrequencies(128, theta, APERTUS_8B.ropeScaling);
    [0, 16, 24, 28, 32, 40, 63].forEach((i, index) => {
      expect(got[i]! / expected[index]!).toBeCloseTo(1, 6);
    });
  });

  it("are plain powers of θ without scaling", () => {
    expect([...ropeFrequencies(4, 100, null)]).toEqual([1, 0.1]);
    expect([...ropeDivisors(4, 100, null)]).toEqual([1, 1]);
  });
});

describe("xIELU", () => {
  it("matches the reference values at α = 0.8", () => {
    const rawP = Math.log(Math.expm1(0.8));
    const rawN = Math.log(Math.expm1(0.3));
    const expected = {
      "-3": 0.139829655,
      "-1": -0.205696447,
      "-0.1": -0.046130066,
      0: -8e-7,
      0.1: 0.058,
      1: 1.3,
      3: 8.7,
    };
    for (const [x, y] of Object.entries(expected)) expect(xielu(Number(x), rawP, rawN)).toBeCloseTo(y, 8);
  });

  it("survives the large alphas of trained models", () => {
    expect(xielu(2, 166, 40.75)).toBeCloseTo(166 * 4 + 1, 9);
    expect(xielu(-2, 166, 40.75)).toBeCloseTo(41.25 * (Math.expm1(-2) + 2) - 1, 9);
  });
});

describe("the reference decoder", () => {
  const weights = randomWeights(TINY);
  const rowsOf = (ids: number[], positions: number[], segments: number[]): Float64Array[] => {
    const logits = referenceLogits(TINY, weights, ids, positions, segments);
    return ids.map((_, t) => logits.subarray(t * TINY.vocabSize, (t + 1) * TINY.vocabSize));
  };

  it("gives packed documents the same logits as each document alone", () => {
    const packed = rowsOf([1, 5, 6, 2, 1, 9, 8, 7], [0, 1, 2, 3, 0, 1, 2, 3], [0, 0, 0, 0, 1, 1, 1, 1]);
    const first = rowsOf([1, 5, 6, 2], [0, 1, 2, 3], [0, 0, 0, 0]);
    const second = rowsOf([1, 9, 8, 7], [0, 1, 2, 3], [0, 0, 0, 0]);
    expect(packed).toEqual([...first, ...second]);
  });

  it("never looks ahead", () => {
    const before = rowsOf([1, 5, 6], [0, 1, 2], [0, 0, 0]);
    const after = rowsOf([1, 5, 11], [0, 1, 2], [0, 0, 0]);
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
    expect(after[2]).not.toEqual(before[2]);
  });

  it("depends on relative positions only", () => {
    const near = rowsOf([1, 5, 6], [0, 1, 2], [0, 0, 0]);
    const far = rowsOf([1, 5, 6], [9, 10, 11], [0, 0, 0]);
    const distance = Math.max(...near[2]!.map((value, i) => Math.abs(value - far[2]![i]!)));
    expect(distance).toBeLessThan(1e-12);
    expect(rowsOf([1, 5, 6], [0, 1, 5], [0, 0, 0])[2]).not.toEqual(near[2]);
  });

  it("turns logits into log-probabilities that sum to one", () => {
    const total = logSoftmax(Float64Array.of(1000, 999, -1000)).reduce(
      (sum, value) => sum + Math.exp(value),
      0,
    );
    expect(total).toBeCloseTo(1, 12);
  });
});
