import { describe, expect, it } from "vitest";
import { sizeOf } from "../graph/index.ts";
import { APERTUS_70B, APERTUS_8B, graphParameters } from "../model/index.ts";
import { buildGradientGraph } from "./gradient-graph.ts";
import { createOptimizer, OptimizerConfig } from "./optimizers/create-optimizer.ts";
import { buildUpdateGraph } from "./update-graph.ts";

describe("Apertus at two layers of its full width", () => {
  it.each([
    ["8B", APERTUS_8B],
    ["70B", APERTUS_70B],
  ])("has the graphs of a training step: %s", (_, full) => {
    const model = { ...full, layers: 2 };
    const gradients = buildGradientGraph(model, { sequences: 1, length: 4096, lossChunkRows: 512 });
    const update = buildUpdateGraph(graphParameters(model), createOptimizer(OptimizerConfig.parse({})));
    for (const { name, shape } of graphParameters(model)) {
      const found = gradients.outputs.find((output) => output.name === `gradient.${name}`);
      expect(found?.value.shape, name).toEqual(shape);
      for (const key of ["", ".fast", ".slow", ".variance"]) {
        const next = update.outputs.find((output) => output.name === `next.${name}${key}`);
        expect(sizeOf(next!.value.shape), name).toBe(sizeOf(shape));
      }
    }
  });
});
