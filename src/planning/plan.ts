/** @file The whole plan of one training run, as plain data: what `firn plan` prints and what papers quote. */
import type { ModelConfig } from "../model/index.ts";
import {
  type ForwardFlops,
  forwardFlops,
  sixParameterFlopsPerToken,
  trainingFlopsPerToken,
} from "./flops.ts";
import { kvCacheBytesPerToken, type TrainingMemory, trainingMemory, weightBytes } from "./memory.ts";
import { countParameters, type ParameterBreakdown } from "./parameters.ts";
import type { TrainingSetup } from "./setup.ts";
import { type ComputeVerdict, judgeTrainingCompute } from "./thresholds.ts";
import {
  type CheckpointInterval,
  checkpointInterval,
  energyWattHours,
  modelFlopsUtilisation,
  tokensPerSecond,
} from "./time.ts";

export interface TrainingPlan {
  readonly name: string;
  readonly config: ModelConfig;
  readonly setup: TrainingSetup;
  readonly parameters: ParameterBreakdown;
  readonly flops: {
    /** One forward pass over one sequence. */
    readonly forward: ForwardFlops;
    /** Training, per token. */
    readonly perToken: number;
    readonly total: number;
    /** 6·N, per token. */
    readonly sixParametersPerToken: number;
    readonly sixParametersTotal: number;
  };
  readonly memory: TrainingMemory;
  /** Key/value cache per token when generating, in the training precision. */
  readonly kvCacheBytesPerToken: number;
  readonly speed: {
    readonly tokensPerSecondPerDevice: number;
    readonly tokensPerSecond: number;
    /** Model operations per second and device. */
    readonly flopsPerSecondPerDevice: number;
    /** Share of the device's peak. */
    readonly utilisation: number;
  };
  readonly time: {
    /** Whole optimizer steps. */
    readonly steps: number;
    /** A step at the full batch. */
    readonly secondsPerStep: number;
    readonly seconds: number;
    /** Device-hours of computing, without pauses and failures. */
    readonly deviceHours: number;
    readonly days: number;
    readonly calendarDays: number;
  };
  /** Compute devices only, over the calendar days; null where the device's draw is unknown. */
  readonly energy: { readonly wattHours: number | null; readonly wattHoursAtLimit: number | null };
  readonly checkpoints: (CheckpointInterval & { readonly everySteps: number; readonly count: number }) | null;
  readonly verdict: ComputeVerdict;
}

/** Works out what training `config` in `setup` takes. `name` is for people. */
export function planTraining(name: string, config: ModelConfig, setup: TrainingSetup): TrainingPlan {
  const perToken = trainingFlopsPerToken(config, setup.sequenceLength);
  const sixParametersPerToken = sixParameterFlopsPerToken(config);
  const total = perToken * setup.tokens;
  const speed = planSpeed(perToken, setup);
  const seconds = setup.tokens / speed.tokensPerSecond;
  const steps = planSteps(setup);
  const secondsPerStep = setup.batchTokens / speed.tokensPerSecond;
  const days = seconds / 86400;
  const calendarDays = setup.calendarDays ?? days;
  const { averageWatts, maximumWatts } = setup.device;
  const energyAt = (watts: number | null): number | null =>
    watts === null ? null : energyWattHours(watts, setup.devices, calendarDays);
  return {
    name,
    config,
    setup,
    parameters: countParameters(config),
    flops: {
      forward: forwardFlops(config, setup.sequenceLength),
      perToken,
      total,
      sixParametersPerToken,
      sixParametersTotal: sixParametersPerToken * setup.tokens,
    },
    memory: trainingMemory(config, setup),
    kvCacheBytesPerToken: kvCacheBytesPerToken(config, weightBytes(setup.precision)),
    speed,
    time: {
      steps,
      secondsPerStep,
      seconds,
      deviceHours: (seconds * setup.devices) / 3600,
      days,
      calendarDays,
    },
    energy: { wattHours: energyAt(averageWatts), wattHoursAtLimit: energyAt(maximumWatts) },
    checkpoints: planCheckpoints(setup, steps, secondsPerStep),
    verdict: judgeTrainingCompute(total),
  };
}

function planSteps({ tokens, batchTokens, firstBatch }: TrainingSetup): number {
  if (firstBatch === undefined) return Math.max(1, Math.floor(tokens / batchTokens));
  const first = Math.min(tokens, firstBatch.untilTokens);
  return Math.max(1, Math.floor(first / firstBatch.batchTokens + (tokens - first) / batchTokens));
}

function planSpeed(perToken: number, setup: TrainingSetup): TrainingPlan["speed"] {
  const peak = setup.device.flopsPerSecond;
  const perDevice =
    "utilisation" in setup.speed
      ? tokensPerSecond(perToken, peak, setup.speed.utilisation)
      : setup.speed.tokensPerSecondPerDevice;
  return {
    tokensPerSecondPerDevice: perDevice,
    tokensPerSecond: perDevice * setup.devices,
    flopsPerSecondPerDevice: perDevice * perToken,
    utilisation: modelFlopsUtilisation(perToken, perDevice, peak),
  };
}

function planCheckpoints(
  setup: TrainingSetup,
  steps: number,
  secondsPerStep: number,
): TrainingPlan["checkpoints"] {
  if (setup.checkpoint === undefined) return null;
  const interval = checkpointInterval(setup.checkpoint.seconds, setup.checkpoint.meanSecondsBetweenFailures);
  const everySteps = Math.max(1, Math.round(interval.young / secondsPerStep));
  return { ...interval, everySteps, count: Math.ceil(steps / everySteps) };
}
