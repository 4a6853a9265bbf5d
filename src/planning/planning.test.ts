/** @file The acceptance figures of the technical report, and the printed plan. */
import { describe, expect, it } from "vitest";
import { FirnError } from "../core/index.ts";
import { APERTUS_70B, APERTUS_8B } from "../model/index.ts";
import {
  APERTUS_70B_SETUP,
  APERTUS_8B_SETUP,
  checkpointInterval,
  computeFromArchitecture,
  computeFromHardware,
  countParameters,
  cpuDevice,
  DEVICES,
  findDevice,
  forwardFlops,
  judgeTrainingCompute,
  kvCacheBytesPerToken,
  parseTrainingSetup,
  planTraining,
  renderPlanReport,
  trainingFlopsPerToken,
  trainingMemory,
} from "./index.ts";

const plan8 = planTraining("Apertus-8B", APERTUS_8B, APERTUS_8B_SETUP);
const plan70 = planTraining("Apertus-70B", APERTUS_70B, APERTUS_70B_SETUP);

describe("parameters", () => {
  it("add up to the published totals, part by part", () => {
    for (const [config, total, nonEmbedding] of [
      [APERTUS_8B, 8_053_338_176, 6.9796e9],
      [APERTUS_70B, 70_599_864_480, 6.845e10],
    ] as const) {
      const count = countParameters(config);
      expect(count.total).toBe(total);
      expect(count.nonEmbedding / nonEmbedding).toBeCloseTo(1, 3);
      expect(count.attention + count.mlp + count.small + count.embedding + count.output).toBe(total);
    }
  });
});

describe("operations", () => {
  it("match the report's figures per token and for 15T tokens", () => {
    expect(plan70.flops.perToken.toExponential(3)).toBe("4.496e+11");
    expect(plan70.flops.total.toExponential(4)).toBe("6.7436e+24");
    expect(plan8.flops.perToken.toExponential(3)).toBe("5.158e+10");
    expect(plan8.flops.total.toExponential(3)).toBe("7.737e+23");
  });

  it("match 6·N·D as the report's reader would compute it", () => {
    expect(plan8.flops.sixParametersTotal.toExponential(3)).toBe("7.248e+23");
    expect(plan70.flops.sixParametersTotal.toExponential(3)).toBe("6.354e+24");
  });

  it("are the sum of the listed terms, and grow with the sequence only through attention", () => {
    const short = forwardFlops(APERTUS_8B, 1024);
    const { total, ...terms } = short;
    expect(Object.values(terms).reduce((sum, term) => sum + term, 0)).toBe(total);
    const growth = trainingFlopsPerToken(APERTUS_8B, 2048) - trainingFlopsPerToken(APERTUS_8B, 1024);
    expect(growth).toBeCloseTo((3 * (short.attention + short.softmax)) / 1024, -3);
  });
});

describe("memory", () => {
  it("gives the key/value cache per token", () => {
    expect(kvCacheBytesPerToken(APERTUS_8B)).toBe(131_072);
    expect(kvCacheBytesPerToken(APERTUS_70B)).toBe(327_680);
  });

  it("reproduces the checkpoint sizes of the Megatron fork's README: Llama-3 with Adam, 920 and 105 GiB", () => {
    const bytesPerParameter = (optimizer: "adamw" | "ademamix"): number => {
      const memory = trainingMemory(APERTUS_8B, { ...APERTUS_8B_SETUP, optimizer });
      return memory.checkpoint / countParameters(APERTUS_8B).total;
    };
    expect(bytesPerParameter("adamw")).toBe(14);
    expect(bytesPerParameter("ademamix")).toBe(18);
    expect(Math.round((70.554e9 * bytesPerParameter("adamw")) / 2 ** 30)).toBe(920);
    expect(Math.round((8.03e9 * bytesPerParameter("adamw")) / 2 ** 30)).toBe(105);
  });

  it("fits the 70B run into a 96 GB module, as it did", () => {
    const { perDevice } = plan70.memory;
    expect(perDevice.total).toBeLessThan(DEVICES["gh200"]!.memoryBytes);
    expect(perDevice.total).toBe(
      perDevice.weights + perDevice.gradients + perDevice.optimizer + perDevice.activations,
    );
  });

  it("needs less with full recomputation and more with materialised attention", () => {
    const base = trainingMemory(APERTUS_8B, APERTUS_8B_SETUP).activations;
    expect(trainingMemory(APERTUS_8B, { ...APERTUS_8B_SETUP, recompute: "full" }).activations).toBeLessThan(
      base / 4,
    );
    const scores = trainingMemory(APERTUS_8B, { ...APERTUS_8B_SETUP, attention: "materialised" }).activations;
    expect(scores - base).toBe(4 * 4096 * 32 * 2 * 32 * 4096);
  });
});

describe("time and energy", () => {
  it("finds the utilisation behind the measured rates", () => {
    expect((plan8.speed.utilisation * 100).toFixed(1)).toBe("36.3");
    expect((plan70.speed.utilisation * 100).toFixed(1)).toBe("32.9");
    expect(Math.round(plan8.speed.flopsPerSecondPerDevice / 1e12)).toBe(359);
    expect(Math.round(plan70.speed.flopsPerSecondPerDevice / 1e12)).toBe(325);
  });

  it("gives back the rate when the utilisation is the input", () => {
    const speed = { utilisation: plan8.speed.utilisation };
    const again = planTraining("8B", APERTUS_8B, { ...APERTUS_8B_SETUP, speed });
    expect(again.speed.tokensPerSecondPerDevice).toBeCloseTo(6960, 6);
  });

  it("gives GPU-hours, days and steps", () => {
    expect((plan8.time.deviceHours / 1e6).toFixed(3)).toBe("0.599");
    expect((plan70.time.deviceHours / 1e6).toFixed(2)).toBe("5.76");
    expect(plan8.time.days.toFixed(1)).toBe("24.4");
    expect(plan70.time.days.toFixed(1)).toBe("58.6");
    expect(plan70.time.secondsPerStep.toFixed(2)).toBe("5.67");
    expect(plan8.time.steps).toBe(2_627_139);
    expect(plan70.time.steps).toBe(1_155_828);
  });

  it("gives the report's energy for 90 days, and the figure at the power limit", () => {
    expect((plan70.energy.wattHours! / 1e9).toFixed(2)).toBe("4.95");
    expect((plan70.energy.wattHoursAtLimit! / 1e9).toFixed(2)).toBe("5.84");
  });

  it("explains the report's 250 steps between checkpoints", () => {
    expect(plan70.checkpoints!.young).toBeCloseTo(1420, 0);
    expect(plan70.checkpoints!.everySteps).toBe(251);
    expect(plan70.checkpoints!.young / plan70.time.secondsPerStep).toBeCloseTo(250.6, 1);
    const { young, daly } = checkpointInterval(5, 3 * 3600);
    expect(Math.round(young / plan70.time.secondsPerStep)).toBe(58);
    expect(Math.abs(daly - young)).toBeLessThan(5);
    expect(checkpointInterval(100, 40).daly).toBe(40);
  });
});

describe("the lines of the EU AI Act", () => {
  it("puts each model on its side", () => {
    expect(judgeTrainingCompute(7e18)).toMatchObject({ generalPurpose: false, systemicRisk: false });
    expect(plan8.verdict).toMatchObject({ generalPurpose: true, systemicRisk: false });
    expect(plan70.verdict.sentence).toContain("67 times");
    expect(judgeTrainingCompute(2e25)).toMatchObject({ generalPurpose: true, systemicRisk: true });
    expect(judgeTrainingCompute(1e23).generalPurpose).toBe(false);
  });

  it("reproduces the Commission's worked examples", () => {
    const hour = 3600;
    expect(computeFromArchitecture(3.8e9, 3.3e12)).toBeCloseTo(7.5e22, -21);
    expect(computeFromHardware(200_000, hour, 300e12, 0.5) / 1e23).toBeCloseTo(1, 0);
    for (const [parameters, tokens, flop] of [
      [0.6e9, 36e12, 1.3e23],
      [1.54e9, 18e12, 1.66e23],
      [1.7e9, 36e12, 3.7e23],
      [2.5e9, 12e12, 1.8e23],
      [2.6e9, 61e9 * 164, 1.5e23],
    ] as const) {
      expect(computeFromArchitecture(parameters, tokens) / flop).toBeCloseTo(1, 1);
    }
    expect(computeFromHardware(370_000, hour, 989e12, 0.5) / 6.5e23).toBeCloseTo(1, 1);
  });
});

describe("devices and setups", () => {
  it("finds a device whatever the case, and suggests a near name", () => {
    expect(findDevice("GH200").name).toBe("GH200");
    expect(() => findDevice("h10")).toThrow(/PLANNING_UNKNOWN_DEVICE.*Did you mean h100/);
    expect(() => findDevice("constructor")).toThrow(FirnError);
  });

  it("refuses a setup that is not one, naming the field", () => {
    const { device, ...setup } = APERTUS_8B_SETUP;
    expect(parseTrainingSetup(setup, device)).toEqual(APERTUS_8B_SETUP);
    expect(() => parseTrainingSetup({ ...setup, tokens: -1 }, device)).toThrow(/PLANNING_BAD_SETUP.*tokens/);
    expect(() => parseTrainingSetup({ ...setup, speed: { utilisation: 2 } }, device)).toThrow(/speed/);
    expect(() => parseTrainingSetup({ ...setup, devices: 3 }, device)).toThrow(/divisible/);
    expect(() => parseTrainingSetup("8B", device)).toThrow(/PLANNING_BAD_SETUP/);
  });
});

describe("the printed plan", () => {
  it("shows each formula with its numbers", () => {
    const text = renderPlanReport(plan70);
    expect(text).toContain("6.744e24");
    expect(text).toMatch(/key\/value cache per token +327,680 bytes +2·L·hkv·k·bytes = 2·80·8·128·2/);
    expect(text).toMatch(/energy +4\.95 GWh +watts·devices·days·24 h = 560 W·4,096·90\.0·24 h/);
    expect(text).toContain("√(2·40·25,200)");
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("says that energy is unknown on a machine whose draw nobody measured", () => {
    const device = cpuDevice({ name: "this machine", measuredFlopsPerSecond: 294e9, memoryBytes: 8e9 });
    const nano = planTraining(
      "nano",
      {
        ...APERTUS_8B,
        vocabSize: 4096,
        hiddenSize: 128,
        layers: 4,
        heads: 4,
        kvHeads: 2,
        headDim: 32,
        ffnSize: 512,
      },
      {
        ...APERTUS_8B_SETUP,
        tokens: 4_000_000,
        sequenceLength: 256,
        batchTokens: 4096,
        microBatch: 16,
        precision: "fp32",
        attention: "materialised",
        parallel: { tensor: 1, pipeline: 1, shardedOptimizer: false },
        devices: 1,
        speed: { utilisation: 0.8 },
        device,
      },
    );
    expect(renderPlanReport(nano)).toMatch(/energy +unknown/);
    expect(nano.verdict.generalPurpose).toBe(false);
    expect(nano.time.seconds).toBeCloseTo(nano.flops.total / (294e9 * 0.8), 6);
  });
});
