import { describe, expect, it } from "vitest";
import { randomStream } from "../core/index.ts";
import { float32Tensor, type HostTensor, Program } from "../engine/index.ts";
import { Graph, gradients, linearCrossEntropy } from "../graph/index.ts";
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
    program.close();
  });
});
