/**
 * @file How many sequences each step takes, and where in the run's order of sequences they begin. The batch may grow at
 * given token counts, as Apertus' did (technical report §2.3: 4.2M to 8.4M tokens for the 8B).
 */
import { FirnError } from "../core/index.ts";

/** From how many tokens on a step takes how many sequences. */
export interface BatchGrowth {
  readonly afterTokens: number;
  readonly batch: number;
}

export interface TimetableConfig {
  readonly steps: number;
  readonly batch: number;
  readonly length: number;
  readonly batchGrowth: readonly BatchGrowth[];
}

interface Period {
  readonly firstStep: number;
  readonly firstSequence: number;
  readonly batch: number;
}

export interface Timetable {
  readonly steps: number;
  /** Sequences of all steps. */
  readonly sequences: number;
  /** Sequences that `step` (from 1) takes. */
  batchAt(step: number): number;
  /** Sequences that the steps before `step` take. */
  sequencesBefore(step: number): number;
  /** The step that takes sequence `index`. */
  stepOf(index: number): number;
  /** Steps at which the batch grows. */
  readonly growsAt: readonly number[];
}

function checkGrowth({ batch, batchGrowth }: TimetableConfig): void {
  batchGrowth.reduce(
    (before, next) => {
      if (next.afterTokens > before.afterTokens && next.batch > before.batch) return next;
      throw new FirnError("TRAIN_BATCH_GROWTH", {
        expected: "a batch that only grows, at ever higher token counts",
        got: `${next.batch} sequences after ${next.afterTokens} tokens, following ${before.batch}`,
        next: "Order `batchGrowth` by `afterTokens`, each with a larger `batch`.",
      });
    },
    { afterTokens: 0, batch },
  );
}

/** @throws FirnError `TRAIN_BATCH_GROWTH` if the batch shrinks or its changes are out of order */
export function timetable(config: TimetableConfig): Timetable {
  checkGrowth(config);
  const { steps, length } = config;
  const periods: Period[] = [{ firstStep: 1, firstSequence: 0, batch: config.batch }];
  for (const { afterTokens, batch } of config.batchGrowth) {
    const before = periods.at(-1)!;
    const missing = Math.max(0, afterTokens / length - before.firstSequence);
    const taken = Math.ceil(missing / before.batch);
    periods.push({
      firstStep: before.firstStep + taken,
      firstSequence: before.firstSequence + taken * before.batch,
      batch,
    });
  }
  const periodOf = (step: number): Period => periods.findLast(({ firstStep }) => firstStep <= step)!;
  const sequencesBefore = (step: number): number => {
    const { firstStep, firstSequence, batch } = periodOf(step);
    return firstSequence + (step - firstStep) * batch;
  };
  return {
    steps,
    sequences: sequencesBefore(steps + 1),
    batchAt: (step) => periodOf(step).batch,
    sequencesBefore,
    stepOf: (index) => {
      const { firstStep, firstSequence, batch } = periods.findLast(
        (period) => period.firstSequence <= index,
      )!;
      return firstStep + Math.floor((index - firstSequence) / batch);
    },
    growsAt: periods.slice(1).flatMap(({ firstStep }) => (firstStep <= steps ? [firstStep] : [])),
  };
}
