import { describe, expect, it } from "vitest";
import { randomStream } from "../../core/index.ts";
import { float32Tensor, type HostTensor, Program } from "../../engine/index.ts";
import { assertInPlace, sizeOf } from "../../graph/index.ts";
import { APERTUS_8B, graphParameters, type GraphParameter, type ModelConfig } from "../../model/index.ts";
import { buildUpdateGraph, scalarInputs, updatedNames } from "../update-graph.ts";
import { AdEMAMix, beta3At } from "./ademamix.ts";
import { createOptimizer, OptimizerConfig } from "./create-optimizer.ts";

const model: ModelConfig = {
  ...APERTUS_8B,
  vocabSize: 7,
  hiddenSize: 6,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 4,
  ffnSize: 10,
};
const [LEARNING_RATE, CLIP, STEPS] = [0.05, 0.7, 6];

/** One parameter's own rule in doubles, called once a step with the clipped gradient. */
type Rule = (p: number[], g: number[], step: number) => number[];

function adamwRule(decay: number): Rule {
  let m: number[] = [];
  let v: number[] = [];
  return (p, g, t) => {
    m = g.map((x, i) => 0.8 * (m[i] ?? 0) + 0.2 * x);
    v = g.map((x, i) => 0.9 * (v[i] ?? 0) + 0.1 * x * x);
    return p.map((x, i) => {
      const step = m[i]! / (1 - 0.8 ** t) / (Math.sqrt(v[i]! / (1 - 0.9 ** t)) + 1e-8);
      return x - LEARNING_RATE * (step + decay * x);
    });
  };
}

function ademamixRule(decay: number, config: { alpha: number; warmupSteps: number }): Rule {
  let m1: number[] = [];
  let m2: number[] = [];
  let v: number[] = [];
  return (p, g, t) => {
    const beta3 = beta3At({ ...APERTUS, beta1: 0.8, beta3: 0.999, warmupSteps: config.warmupSteps }, t);
    m1 = g.map((x, i) => 0.8 * (m1[i] ?? 0) + 0.2 * x);
    m2 = g.map((x, i) => beta3 * (m2[i] ?? 0) + (1 - beta3) * x);
    v = g.map((x, i) => 0.9 * (v[i] ?? 0) + 0.1 * x * x);
    return p.map((x, i) => {
      const up = m1[i]! / (1 - 0.8 ** t) + config.alpha * Math.min(1, t / config.warmupSteps) * m2[i]!;
      const down = Math.sqrt(v[i]!) / Math.sqrt(1 - 0.9 ** t) + 1e-8;
      return x - LEARNING_RATE * (up / down + decay * x);
    });
  };
}

type Matrix = number[][];
const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, x, k) => sum + x * b[k]![j]!, 0)));
const transposed = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
const combine = (a: Matrix, x: number, b: Matrix, y: number): Matrix =>
  a.map((row, i) => row.map((value, j) => x * value + y * b[i]![j]!));

/** Jordan's Newton–Schulz iteration as his page prints it, in doubles. */
function newtonSchulz(matrix: Matrix): Matrix {
  const norm = Math.sqrt(matrix.flat().reduce((sum, x) => sum + x * x, 0)) + 1e-7;
  let x = matrix.map((row) => row.map((value) => value / norm));
  for (let i = 0; i < 5; i++) {
    const a = product(x, transposed(x));
    x = combine(x, 3.4445, product(combine(a, -4.775, product(a, a), 2.0315), x), 1);
  }
  return x;
}

function muonRule(decay: number, { shape, parts }: GraphParameter): Rule {
  const columns = shape[1]!;
  let m: number[] = [];
  return (p, g) => {
    m = g.map((x, i) => 0.9 * (m[i] ?? 0) + x);
    const ahead = g.map((x, i) => x + 0.9 * m[i]!);
    let from = 0;
    const direction = parts.flatMap(({ size }) => {
      const rows = size / columns;
      const matrix = Array.from({ length: rows }, (_, row) =>
        ahead.slice(from + row * columns, from + (row + 1) * columns),
      );
      from += size;
      const scale = 0.2 * Math.sqrt(Math.max(rows, columns));
      return newtonSchulz(matrix)
        .flat()
        .map((x) => scale * x);
    });
    return p.map((x, i) => x - LEARNING_RATE * (direction[i]! + decay * x));
  };
}

/** Runs the update graph and the rules side by side; returns the largest difference relative to the parameter's scale. */
async function compare(
  config: OptimizerConfig,
  ruleOf: (parameter: GraphParameter) => Rule,
): Promise<Record<string, number>> {
  const optimizer = createOptimizer(config);
  const graph = buildUpdateGraph(graphParameters(model), optimizer);
  assertInPlace(
    graph,
    new Map(updatedNames(graphParameters(model), optimizer).map((name) => [`next.${name}`, name])),
  );
  const program = await Program.compile(graph, { threads: 1, name: "update" });
  const random = randomStream(1, "optimizers");
  const draw = (size: number): number[] => Array.from({ length: size }, () => random.normal());
  const buffers = new Map<string, HostTensor>();
  const expected = new Map<string, { parameter: GraphParameter; rule: Rule; values: number[] }>();
  for (const parameter of graphParameters(model)) {
    const { name, shape } = parameter;
    const values = draw(sizeOf(shape));
    expected.set(name, { parameter, rule: ruleOf(parameter), values });
    buffers.set(name, float32Tensor(Float32Array.from(values), shape));
    for (const key of optimizer.stateNames(parameter))
      buffers.set(`${name}.${key}`, float32Tensor(new Float32Array(values.length), shape));
  }
  for (let step = 1; step <= STEPS; step++) {
    const feeds = new Map(buffers);
    const scalars: Record<string, number> = {
      ...optimizer.scalars(step),
      learningRate: LEARNING_RATE,
      clip: CLIP,
    };
    for (const name of scalarInputs(optimizer))
      feeds.set(name, float32Tensor(Float32Array.of(scalars[name]!), []));
    for (const [name, item] of expected) {
      const gradient = draw(item.values.length);
      feeds.set(`gradient.${name}`, float32Tensor(Float32Array.from(gradient), item.parameter.shape));
      item.values = item.rule(
        item.values,
        gradient.map((g) => g * CLIP),
        step,
      );
    }
    // In place, as the trainer runs it.
    await program.run(feeds, new Map([...buffers].map(([name, tensor]) => [`next.${name}`, tensor])));
  }
  program.close();
  return Object.fromEntries(
    [...expected].map(([name, { values }]) => {
      const got = buffers.get(name)!.data as Float32Array;
      return [name, Math.max(...values.map((value, i) => Math.abs(value - got[i]!)))];
    }),
  );
}

const APERTUS = {
  beta1: 0.9,
  beta2: 0.999,
  beta3: 0.9999,
  alpha: 8,
  eps: 1e-8,
  weightDecay: 0.1,
  warmupSteps: 100_000,
};

function expectSmall(differences: Record<string, number>, bound: number): void {
  for (const [name, difference] of Object.entries(differences)) expect(difference, name).toBeLessThan(bound);
}

describe("optimizers move parameters as their definitions say, step by step, in place", () => {
  // Parameters are of size 1 and fp32 rounds at 6e-8; a few dozen roundings each.
  it("AdEMAMix", async () => {
    const config = OptimizerConfig.parse({
      beta1: 0.8,
      beta2: 0.9,
      beta3: 0.999,
      alpha: 5,
      warmupSteps: 4,
    });
    expectSmall(
      await compare(config, ({ decays }) => ademamixRule(decays ? 0.1 : 0, { alpha: 5, warmupSteps: 4 })),
      1e-5,
    );
  });

  it("AdamW", async () => {
    const config = OptimizerConfig.parse({ type: "adamw", beta1: 0.8, beta2: 0.9 });
    expectSmall(await compare(config, ({ decays }) => adamwRule(decays ? 0.1 : 0)), 1e-5);
  });

  it("Muon, with AdamW for tables and vectors, and q, k and v each on its own", async () => {
    const config = OptimizerConfig.parse({ type: "muon", momentum: 0.9, beta1: 0.8, beta2: 0.9 });
    const differences = await compare(config, (parameter) => {
      const decay = parameter.decays ? 0.1 : 0;
      return parameter.name.includes("_proj") ? muonRule(decay, parameter) : adamwRule(decay);
    });
    // Five quintic steps enlarge small singular values, and with them the rounding, by up to 3.4⁵ ≈ 480.
    expectSmall(differences, 5e-4);
  });
});

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
    const optimizer = new AdEMAMix(APERTUS);
    const first = optimizer.scalars(1);
    expect(first.alpha).toBeCloseTo(8e-5, 12);
    expect(first.fastCorrection).toBeCloseTo(10, 9);
    expect(first.varianceCorrection).toBeCloseTo(Math.sqrt(1000), 6);
    expect(optimizer.scalars(200_000).alpha).toBe(8);
  });
});
