import { describe, expect, it } from "vitest";
import { randomStream } from "../core/index.ts";
import { float32Tensor, type HostTensor, Program } from "../engine/index.ts";
import { Graph, gradients, linearCrossEntropy, type Value } from "../graph/index.ts";
import {
  APERTUS_8B,
  decoder,
  graphParameters,
  initialWeights,
  type ModelConfig,
  parameterInputs,
  stackWeights,
  tokenInputs,
} from "../model/index.ts";
import { type AdEMAMixConfig, ademamixScalars, ademamixUpdate } from "./optimizer.ts";

const model: ModelConfig = {
  ...APERTUS_8B,
  vocabSize: 23,
  hiddenSize: 16,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  ffnSize: 24,
  contextLength: 8,
  ropeTheta: 100,
  ropeScaling: { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 64 },
  initStd: 0.4,
};

describe("the whole decoder", () => {
  it("has the gradient that finite differences find, in every parameter", async () => {
    const graph = new Graph();
    const [batch, length] = [2, 8];
    const tokens = tokenInputs(graph, batch, length);
    const labels = graph.input("labels", "int32", [batch * length]);
    const rowWeights = graph.constant(new Float32Array(16).fill(1 / 16), [16]);
    const parameters = parameterInputs(graph, model);
    const hidden = decoder(graph, model, parameters, tokens);
    const { loss } = linearCrossEntropy(
      graph,
      hidden,
      parameters.get("lm_head.weight")!,
      labels,
      rowWeights,
      5,
      true,
    );
    const list = graphParameters(model);
    const found = gradients(
      graph,
      loss,
      list.map(({ name }) => parameters.get(name)!),
    );
    graph.output("loss", loss);
    list.forEach(({ name }, i) => {
      graph.output(`d.${name}`, found[i]!);
    });
    const program = await Program.compile(graph, { threads: 1, name: "decoder gradient" });

    const random = randomStream(8, "decoder gradient");
    const feeds = new Map<string, HostTensor>();
    const stacked = stackWeights(model, initialWeights(model, 3), "test");
    for (const { name, shape } of list) feeds.set(name, float32Tensor(stacked.get(name)!, shape));
    const integers = (shape: number[], data: number[]): HostTensor => ({
      dtype: "int32",
      shape,
      data: Int32Array.from(data),
    });
    const draw = (): number[] => Array.from({ length: 16 }, () => random.integer(model.vocabSize));
    feeds.set("ids", integers([16], draw()));
    feeds.set("labels", integers([16], draw()));
    feeds.set("positions", integers([2, 8], [0, 1, 2, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6, 7]));
    feeds.set("segments", integers([2, 8], [0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]));

    const exact = await program.run(feeds);
    for (const { name, shape } of list) {
      const data = stacked.get(name)!;
      const gradient = exact.get(`d.${name}`)!.data as Float32Array;
      const scale = Math.max(0.05, ...gradient.map(Math.abs));
      for (let probe = 0; probe < Math.min(4, data.length); probe++) {
        const i = random.integer(data.length);
        const h = 0.02;
        const at = async (offset: number): Promise<number> => {
          const moved = Float32Array.from(data);
          moved[i] = data[i]! + offset;
          const run = await program.run(new Map(feeds).set(name, float32Tensor(moved, shape)));
          return run.get("loss")!.data[0] as number;
        };
        const slope =
          (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h);
        expect(
          Math.abs(slope - gradient[i]!) / scale,
          `${name}[${i}]: ${slope}, ${gradient[i]}`,
        ).toBeLessThan(5e-3);
      }
    }
    await program.close();
  });
});

describe("AdEMAMix", () => {
  it("moves parameters as its definition says, step by step, with and without decay", async () => {
    const config: AdEMAMixConfig = {
      beta1: 0.9,
      beta2: 0.99,
      beta3: 0.999,
      alpha: 5,
      eps: 1e-8,
      weightDecay: 0.1,
      warmupSteps: 4,
    };
    const size = 6;
    const names = ["learningRate", "alpha", "beta3", "fastCorrection", "varianceCorrection", "clip"] as const;
    const graph = new Graph();
    const scalar = (name: (typeof names)[number]): Value => graph.input(name, "float32", []);
    const scalars = {
      learningRate: scalar("learningRate"),
      alpha: scalar("alpha"),
      beta3: scalar("beta3"),
      fastCorrection: scalar("fastCorrection"),
      varianceCorrection: scalar("varianceCorrection"),
      clip: scalar("clip"),
    };
    const vector = (name: string): Value => graph.input(name, "float32", [size]);
    const gradient = vector("g");
    for (const decays of [false, true]) {
      const key = decays ? "decayed" : "plain";
      const state = { fast: vector(`${key}.m1`), slow: vector(`${key}.m2`), variance: vector(`${key}.v`) };
      const next = ademamixUpdate(graph, config, scalars, vector(`${key}.p`), gradient, state, decays);
      graph.output(`${key}.p'`, next.parameter);
      graph.output(`${key}.m1'`, next.state.fast);
      graph.output(`${key}.m2'`, next.state.slow);
      graph.output(`${key}.v'`, next.state.variance);
    }
    const program = await Program.compile(graph, { threads: 1, name: "ademamix" });
    const random = randomStream(1, "ademamix");
    const start = Array.from({ length: size }, () => random.normal());
    const [lr, clip] = [0.05, 0.7];
    for (const decays of [false, true]) {
      const zeros = (): number[] => start.map(() => 0);
      let [p, m1, m2, v] = [[...start], zeros(), zeros(), zeros()];
      const tensors = new Map<string, Float32Array>();
      for (const key of ["decayed", "plain"]) {
        tensors.set(`${key}.p`, Float32Array.from(start));
        for (const s of ["m1", "m2", "v"]) tensors.set(`${key}.${s}`, new Float32Array(size));
      }
      for (let step = 1; step <= 6; step++) {
        const g = Array.from({ length: size }, () => random.normal());
        const { alpha, beta3, fastCorrection, varianceCorrection } = ademamixScalars(config, step);
        const fed = { learningRate: lr, alpha, beta3, fastCorrection, varianceCorrection, clip };
        const feeds = new Map<string, HostTensor>(
          [...tensors].map(([name, data]) => [name, float32Tensor(data, [size])] as const),
        );
        for (const name of names) feeds.set(name, float32Tensor(Float32Array.of(fed[name]), []));
        feeds.set("g", float32Tensor(Float32Array.from(g), [size]));
        const out = await program.run(feeds);
        for (const name of tensors.keys()) tensors.set(name, out.get(`${name}'`)!.data as Float32Array);

        const c = g.map((value) => value * clip);
        m1 = m1.map((m, i) => 0.9 * m + 0.1 * c[i]!);
        m2 = m2.map((m, i) => beta3 * m + (1 - beta3) * c[i]!);
        v = v.map((value, i) => 0.99 * value + 0.01 * c[i]! ** 2);
        p = p.map((value, i) => {
          const up = m1[i]! / (1 - 0.9 ** step) + 5 * Math.min(1, step / 4) * m2[i]!;
          const down = Math.sqrt(v[i]!) / Math.sqrt(1 - 0.99 ** step) + 1e-8;
          return value - lr * (up / down + (decays ? 0.1 * value : 0));
        });
      }
      const got = tensors.get(decays ? "decayed.p" : "plain.p")!;
      p.forEach((value, i) => {
        expect(got[i]).toBeCloseTo(value, 5);
      });
    }
    await program.close();
  });
});
