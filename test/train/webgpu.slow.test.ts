/**
 * @file Training and scoring with WebGPU against the processor. Where the machine has no graphics adapter they run on SwiftShader,
 * the software adapter that comes with Chromium (Debian: apt-get install chromium libvulkan1).
 */
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { randomStream } from "../../src/core/index.ts";
import { type DeviceName, requireDevice } from "../../src/engine/index.ts";
import { OnnxModel } from "../../src/generate/index.ts";
import { APERTUS_8B, initialWeights, type ModelConfig, type Weights } from "../../src/model/index.ts";
import { firn, writeTinyRecipe } from "../pipeline/tiny.ts";
import { makeBatch, OptimizerConfig, packStream, Trainer } from "../../src/train/index.ts";

const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";

// Read by the Vulkan loader when the first session is made.
if (!existsSync("/dev/dri") && existsSync(SWIFTSHADER)) process.env["VK_ICD_FILENAMES"] ??= SWIFTSHADER;
const usable = await requireDevice("webgpu").then(
  () => true,
  () => false,
);

const model: ModelConfig = {
  ...APERTUS_8B,
  vocabSize: 200,
  hiddenSize: 32,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  ffnSize: 64,
  contextLength: 32,
};
const shape = { length: 32, microBatch: 2, lossChunkRows: 32 };

const random = randomStream(1, "webgpu");
const documents = {
  ids: Int32Array.from({ length: 1024 }, () => random.integer(model.vocabSize)),
  offsets: Array.from({ length: 33 }, (_, i) => i * 32),
  names: Array.from({ length: 32 }, (_, i) => `document ${i}`),
};
const packing = packStream(documents, new Uint16Array(32).fill(1), 32, 1);

interface Trained {
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly weights: Weights;
  readonly state: Weights;
}

const copied = (weights: Weights): Weights =>
  new Map([...weights].map(([name, data]) => [name, data.slice()]));

async function train(device: DeviceName, steps: readonly number[], from?: Trained): Promise<Trained> {
  const weights = from?.weights ?? initialWeights(model, 1);
  const state = from === undefined ? {} : { state: from.state };
  const trainer = await Trainer.create(model, OptimizerConfig.parse({ warmupSteps: 10 }), shape, weights, {
    threads: 1,
    where: "test",
    device,
    ...state,
  });
  const losses: number[] = [];
  const norms: number[] = [];
  for (const step of steps) {
    const batch = makeBatch(
      documents,
      packing,
      { length: 32, padId: model.padId, goldfish: null },
      { first: (step - 1) * 4, batch: 4 },
    );
    const { loss, gradientNorm } = await trainer.gradients(batch);
    await trainer.update(step, 1e-3);
    losses.push(loss);
    norms.push(gradientNorm);
  }
  const trained = {
    losses,
    norms,
    weights: copied(await trainer.weights()),
    state: copied(await trainer.state()),
  };
  await trainer.close();
  return trained;
}

/** The largest difference, relative to the largest number or to `floor`. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>, floor = 0): number {
  const values = Array.from(a);
  const scale = Math.max(floor, ...values.map(Math.abs));
  return Math.max(...values.map((value, i) => Math.abs(value - b[i]!))) / scale;
}

describe.skipIf(!usable)("WebGPU", () => {
  it("trains as the processor does, within fp32 summation error", async () => {
    const [here, there] = [await train("cpu", [1, 2, 3]), await train("webgpu", [1, 2, 3])];
    // A few dozen terms of fp32 (6e-8 each) in another order.
    expect(distance(here.losses, there.losses)).toBeLessThan(3e-6);
    expect(distance(here.norms, there.norms)).toBeLessThan(3e-6);
    // A step moves a weight by lr·g/√variance: where the gradient is itself rounding, so is the direction.
    for (const [name, weights] of here.weights)
      expect(distance(weights, there.weights.get(name)!), name).toBeLessThan(1e-3);
  });

  it("finds the gradients that the processor finds", async () => {
    const [here, there] = [await train("cpu", [1]), await train("webgpu", [1])];
    // After one step every state is a fixed share of the gradient or of its square.
    const largest = (end: string): number => {
      const states = [...here.state].filter(([name]) => name.endsWith(end));
      return Math.max(...states.map(([, data]) => Math.max(...data.map(Math.abs))));
    };
    for (const [name, state] of here.state) {
      // The gradients of xIELU's alphas are small differences of sums over thousands of terms.
      const floor = name.includes("act_fn") ? largest(name.slice(name.lastIndexOf("."))) : 0;
      expect(distance(state, there.state.get(name)!, floor), name).toBeLessThan(1e-5);
    }
  });

  it("goes on from its own checkpoint to the same losses", async () => {
    const whole = await train("webgpu", [1, 2, 3]);
    const rest = await train("webgpu", [3], await train("webgpu", [1, 2]));
    expect(distance(whole.losses.slice(2), rest.losses)).toBeLessThan(3e-6);
  });

  it("is asked for with --device, and is part of what the weights are", async () => {
    const dir = await mkdtemp(path.join(tmpdir(), "firn-webgpu-"));
    try {
      const recipe = await writeTinyRecipe(dir, (text) =>
        text.replace("steps: 40", "steps: 4").replace("steps: 6", "steps: 2"),
      );
      const store = path.join(dir, "store");
      const losses: number[] = [];
      for (const device of ["cpu", "webgpu"]) {
        const { code, out, err } = await firn(
          "build",
          recipe,
          "--store",
          store,
          "--device",
          device,
          "--to",
          "weights",
          "--json",
        );
        expect(code, err).toBe(0);
        const { artifacts } = JSON.parse(out) as {
          artifacts: Record<string, { summary: { device: string; finalLoss: number } }>;
        };
        expect(artifacts["pretrain"]!.summary.device).toBe(device);
        losses.push(artifacts["pretrain"]!.summary.finalLoss);
      }
      expect(await readdir(path.join(store, "weights"))).toHaveLength(5);
      expect(distance(losses.slice(0, 1), losses.slice(1))).toBeLessThan(1e-4);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it("scores text as the processor does", async () => {
    const weights = initialWeights(model, 1);
    const sequences = [[1, 5, 9, 3], Array.from({ length: 32 }, (_, i) => (i * 7) % 200)];
    const scores: Float32Array[][] = [];
    for (const device of ["cpu", "webgpu"] as const) {
      const scorer = new OnnxModel(model, weights, {
        name: "test",
        threads: 1,
        device,
        length: 32,
        batch: 2,
      });
      scores.push((await scorer.score(sequences)).map((row) => Float32Array.from(row)));
      await scorer.close();
    }
    for (const [i, row] of scores[0]!.entries()) expect(distance(row, scores[1]![i]!)).toBeLessThan(3e-6);
  });
});

it.skipIf(usable)("says what WebGPU is missing where it cannot be used", async () => {
  await expect(requireDevice("webgpu")).rejects.toMatchObject({ code: "ENGINE_DEVICE" });
});
