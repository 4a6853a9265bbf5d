import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { SafetensorsFile } from "../../src/artifacts/index.ts";
import { float32Tensor, type HostTensor, Program } from "../../src/engine/index.ts";
import { Graph, gradients, linearCrossEntropy } from "../../src/graph/index.ts";
import {
  decoder,
  fromHfConfig,
  graphParameters,
  type ModelConfig,
  parameterInputs,
  parameterSpecs,
  referenceLogits,
  stackWeights,
  tokenInputs,
  unstackWeights,
} from "../../src/model/index.ts";

/** Made with Hugging Face transformers by bench/peers/apertus_reference.py. */
const REFERENCE = fileURLToPath(new URL("tiny-apertus.safetensors", import.meta.url));

let file: SafetensorsFile;
let config: ModelConfig;
let ids: number[];
const weights = new Map<string, Float32Array>();
beforeAll(async () => {
  file = await SafetensorsFile.open(REFERENCE);
  config = fromHfConfig(JSON.parse(file.metadata["config"]!), REFERENCE);
  for (const { name, shape } of parameterSpecs(config)) {
    weights.set(name, await file.floats(`weight.${name}`, shape));
  }
  ids = Array.from((await file.tensor("ids")) as BigInt64Array, Number);
  return () => file.close();
});

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
};

describe("transformers in float32 agrees with", () => {
  it("the decoder's specification on logits", async () => {
    const expected = await file.floats("logits", [ids.length, config.vocabSize]);
    const positions = ids.map((_, t) => t);
    const logits = referenceLogits(
      config,
      weights,
      ids,
      positions,
      ids.map(() => 0),
    );
    expect(largestDifference(logits, expected)).toBeLessThan(1e-5);
  });

  it("the training graph on the loss and every gradient", async () => {
    const { length } = ids;
    const graph = new Graph();
    const tokens = tokenInputs(graph, 1, length);
    const labels = graph.input("labels", "int32", [length]);
    // The mean over all positions that have a next token.
    const weightOfRow = Float32Array.from({ length }, (_, t) => (t < length - 1 ? 1 / (length - 1) : 0));
    const rowWeights = graph.constant(weightOfRow, [length]);
    const parameters = parameterInputs(graph, config);
    const hidden = decoder(graph, config, parameters, tokens);
    const head = parameters.get("lm_head.weight")!;
    const { loss } = linearCrossEntropy(graph, hidden, head, labels, rowWeights, 16, true);
    const list = graphParameters(config);
    const found = gradients(
      graph,
      loss,
      list.map(({ name }) => parameters.get(name)!),
    );
    graph.output("loss", loss);
    list.forEach(({ name }, i) => {
      graph.output(`d.${name}`, found[i]!);
    });
    const program = await Program.compile(graph, { threads: 1, name: "transformers gradient" });

    const integers = (shape: number[], data: number[]): HostTensor => ({
      dtype: "int32",
      shape,
      data: Int32Array.from(data),
    });
    const stacked = stackWeights(config, weights, REFERENCE);
    const feeds = new Map<string, HostTensor>();
    for (const { name, shape } of list) feeds.set(name, float32Tensor(stacked.get(name)!, shape));
    feeds.set("ids", integers([length], ids));
    feeds.set("labels", integers([length], [...ids.slice(1), 0]));
    feeds.set(
      "positions",
      integers(
        [1, length],
        ids.map((_, t) => t),
      ),
    );
    feeds.set(
      "segments",
      integers(
        [1, length],
        ids.map(() => 0),
      ),
    );
    const results = await program.run(feeds);
    program.close();

    expect(results.get("loss")!.data[0]).toBeCloseTo(Number(file.metadata["loss"]), 5);
    const ours = unstackWeights(
      config,
      new Map(list.map(({ name }) => [name, results.get(`d.${name}`)!.data as Float32Array])),
    );
    for (const { name, shape } of parameterSpecs(config)) {
      const expected = await file.floats(`gradient.${name}`, shape);
      // The floor is for scalars whose gradient is a small difference of large sums.
      const scale = Math.max(0.01, ...expected.map(Math.abs));
      const error = largestDifference(ours.get(name)!, expected) / scale;
      expect(error, name).toBeLessThan(1e-5);
    }
  });
});
