/**
 * @file What planning needs to know of a recipe: how much is trained, in what steps, where, how fast. A recipe with a
 * `plan` section says it; for any other it follows from `train` and from this machine.
 */
import {
  cpuDevice,
  type Device,
  findDevice,
  modelFlopsUtilisation,
  parseTrainingSetup,
  trainingFlopsPerToken,
  type TrainingSetup,
} from "../planning/index.ts";
import { timetable } from "../train/index.ts";
import { recipeModel } from "./assemble.ts";
import type { Recipe } from "./schema.ts";

/** This machine, measured. */
export interface MeasuredMachine {
  readonly name: string;
  /** Best rate of large matrix products, FLOP/s. */
  readonly matmulFlops: number;
  readonly memoryBytes: number;
  /** Seconds of one training step of the recipe. */
  readonly stepSeconds: number;
}

/** What the caller asks for instead of what the recipe says. */
export interface SetupOverrides {
  /** A name that planning knows, e.g. `h100`. */
  readonly device?: string | undefined;
  readonly devices?: number | undefined;
  /** Share of the device's peak. */
  readonly utilisation?: number | undefined;
  readonly tokens?: number | undefined;
}

/** What Apertus-70B reached on 4096 GH200 (technical report §6; App. D): the guess where nothing else is known. */
const DEFAULT_UTILISATION = 0.329;

/** True if the setup is for this machine, which then has to be measured. */
export function runsHere(recipe: Recipe, overrides: SetupOverrides): boolean {
  return recipe.plan === undefined && overrides.device === undefined;
}

function plannedSetup(
  recipe: Recipe,
  plan: NonNullable<Recipe["plan"]>,
  overrides: SetupOverrides,
): TrainingSetup {
  const { device: name, ...fields } = plan;
  const planned = parseTrainingSetup(fields, findDevice(name));
  const device = overrides.device === undefined ? planned.device : findDevice(overrides.device);
  const perToken = trainingFlopsPerToken(recipeModel(recipe), planned.sequenceLength);
  const reached =
    "utilisation" in planned.speed
      ? planned.speed.utilisation
      : modelFlopsUtilisation(
          perToken,
          planned.speed.tokensPerSecondPerDevice,
          planned.device.flopsPerSecond,
        );
  const changed = device !== planned.device || overrides.utilisation !== undefined;
  // Calendar time and failures were observed on the recipe's own machine.
  const { calendarDays: _days, checkpoint: _checkpoint, device: _device, ...portable } = planned;
  const elsewhere = changed || overrides.devices !== undefined || overrides.tokens !== undefined;
  return parseTrainingSetup(
    {
      ...(elsewhere ? portable : { ...portable, ...optional(planned) }),
      tokens: overrides.tokens ?? planned.tokens,
      devices: overrides.devices ?? planned.devices,
      speed: changed ? { utilisation: overrides.utilisation ?? reached } : planned.speed,
    },
    device,
  );
}

function optional({ calendarDays, checkpoint }: TrainingSetup): Partial<TrainingSetup> {
  return {
    ...(calendarDays === undefined ? {} : { calendarDays }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  };
}

/**
 * The setup of a recipe.
 * @param machine needed when `runsHere` says so
 * @throws FirnError `PLANNING_BAD_SETUP`, `PLANNING_UNKNOWN_DEVICE`
 */
export function trainingSetup(
  recipe: Recipe,
  overrides: SetupOverrides,
  machine?: MeasuredMachine,
): TrainingSetup {
  if (recipe.plan !== undefined) return plannedSetup(recipe, recipe.plan, overrides);
  const { batch, length } = recipe.train;
  const here = machine !== undefined && overrides.device === undefined;
  const device: Device = here
    ? cpuDevice({
        name: machine.name,
        measuredFlopsPerSecond: machine.matmulFlops,
        memoryBytes: machine.memoryBytes,
      })
    : findDevice(overrides.device ?? "gh200");
  const rate = here ? (batch * length) / machine.stepSeconds : undefined;
  const utilisation = overrides.utilisation ?? DEFAULT_UTILISATION;
  return parseTrainingSetup(
    {
      tokens: overrides.tokens ?? timetable(recipe.train).sequences * length,
      sequenceLength: length,
      batchTokens: batch * length,
      microBatch: batch,
      precision: here ? "fp32" : "bf16",
      optimizer: "ademamix",
      attention: "materialised",
      recompute: "none",
      parallel: { tensor: 1, pipeline: 1, shardedOptimizer: false },
      devices: overrides.devices ?? 1,
      speed:
        rate === undefined || overrides.utilisation !== undefined
          ? { utilisation }
          : { tokensPerSecondPerDevice: rate },
    },
    device,
  );
}
