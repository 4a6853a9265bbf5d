/** @file What a release says about its training compute, worked out by `planning` from the facts of the training runs. */
import { z } from "zod";
import { type ModelConfig, parameterCount } from "../model/index.ts";
import {
  computeFromArchitecture,
  computeFromHardware,
  forwardFlops,
  judgeTrainingCompute,
} from "../planning/index.ts";
import type { ProviderProfile, ReleaseFact } from "../release/index.ts";

const run = z.object({ tokens: z.number().positive(), flops: z.number().positive() });

/** Kinds of facts that a training run leaves behind. */
const RUNS = ["train", "finetune", "align"];

/** The hardware method's figure, where the provider told all four of its factors. */
function fromHardware(used: ProviderProfile["hardware"]): number | null {
  if (used?.hours === undefined || used.peakFlops === undefined || used.utilisation === undefined)
    return null;
  return computeFromHardware(used.units, used.hours * 3600, used.peakFlops, used.utilisation);
}

/** What the hardware could have done at its peak all the time: nothing can have taken more. */
function atPeak(used: ProviderProfile["hardware"]): number | null {
  if (used?.hours === undefined || used.peakFlops === undefined) return null;
  return computeFromHardware(used.units, used.hours * 3600, used.peakFlops, 1);
}

/** The `compute` fact: both methods of the Commission's guidelines and the verdict; undefined without training facts. */
export function trainingCompute(
  facts: readonly ReleaseFact[],
  model: ModelConfig,
  hardware: ProviderProfile["hardware"],
) {
  const runs = facts
    .filter(({ kind }) => RUNS.includes(kind))
    .flatMap(({ data }) => run.safeParse(data).data ?? []);
  if (runs.length === 0) return undefined;
  const tokens = runs.reduce((sum, one) => sum + one.tokens, 0);
  const flop = runs.reduce((sum, one) => sum + one.flops, 0);
  const parameters = parameterCount(model);
  const { generalPurpose, systemicRisk, sentence } = judgeTrainingCompute(flop);
  const { contextLength } = model;
  return {
    architectureFlop: flop,
    sixParametersFlop: computeFromArchitecture(parameters, tokens),
    parameters,
    tokens,
    hardwareFlop: fromHardware(hardware),
    hardwarePeakFlop: atPeak(hardware),
    generalPurpose,
    systemicRisk,
    sentence,
    inferenceFlopPerToken: forwardFlops(model, contextLength).total / contextLength,
  };
}
