/**
 * @file Which steps are kept from the weights: a loss or gradient norm that is not a number, or is far above those of the
 * steps before it. PaLM was brought past such spikes by going back and skipping the data (Chowdhery et al., arXiv
 * 2204.02311, §5.1); a step that is caught before the update needs no going back.
 */
import { z } from "zod";
import type { GradientResult } from "./replica.ts";
import { type RunRecord, stepsDone } from "./run-record.ts";

export const StabilityConfig = z.strictObject({
  /** Robust standard deviations above the median from which on a step is skipped; null skips only what is not finite. */
  deviations: z.number().min(3).nullable().default(8),
  /** After so many skipped steps in a row the run goes back to its last checkpoint and passes over the data since then. */
  rollbackAfter: z.int().min(1).max(1000).default(4),
  /** After so many times back it stops. */
  stopAfter: z.int().min(1).max(1000).default(3),
});
export type StabilityConfig = z.infer<typeof StabilityConfig>;

/** Steps that are compared with, and how many there must be. */
const WINDOW = 64;
const LEAST = 32;
/** Below these no step is a spike, however calm the steps before were: one nat of loss, a norm ten times the usual. */
const LOSS_FLOOR = 1;
const LOG_NORM_FLOOR = Math.log(10);
/** Standard deviations per median absolute deviation, of a normal distribution. */
const NORMAL_MAD = 1.4826;

function median(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Median + the larger of `floor` and so many robust deviations. */
export function robustBound(values: readonly number[], deviations: number, floor: number): number {
  const ascending = (list: number[]): number[] => list.sort((a, b) => a - b);
  const middle = median(ascending([...values]));
  const spread = median(ascending(values.map((value) => Math.abs(value - middle))));
  return middle + Math.max(floor, deviations * NORMAL_MAD * spread);
}

/** The steps to compare with: the last ones that moved the weights, none from before the data or the batch changed. */
function comparable(record: RunRecord, since: number): { losses: number[]; norms: number[] } {
  const skipped = new Set(record.skips.map(({ step }) => step));
  const found = { losses: [] as number[], norms: [] as number[] };
  for (let step = stepsDone(record); step >= since && found.losses.length < WINDOW; step--) {
    if (skipped.has(step)) continue;
    found.losses.push(record.losses[step - 1]!);
    found.norms.push(Math.log(record.norms[step - 1]! + Number.MIN_VALUE));
  }
  return found;
}

/**
 * Why the step after those of `record` must not move the weights; undefined if it may.
 * @param changes steps (from 1) at which the data or the batch changed, in order
 */
export function reasonToSkip(
  { deviations }: StabilityConfig,
  record: RunRecord,
  changes: readonly number[],
  { loss, gradientNorm }: GradientResult,
): string | undefined {
  if (!Number.isFinite(loss)) return `the loss is ${loss}`;
  if (!Number.isFinite(gradientNorm)) return `the gradient norm is ${gradientNorm}`;
  if (deviations === null) return undefined;
  const since = changes.findLast((step) => step <= stepsDone(record) + 1) ?? 1;
  const { losses, norms } = comparable(record, since);
  if (losses.length < LEAST) return undefined;
  const highest = robustBound(losses, deviations, LOSS_FLOOR);
  if (loss > highest) return `the loss ${loss.toFixed(3)} is above ${highest.toFixed(3)}`;
  const widest = Math.exp(robustBound(norms, deviations, LOG_NORM_FLOOR));
  if (gradientNorm > widest)
    return `the gradient norm ${gradientNorm.toPrecision(3)} is above ${widest.toPrecision(3)}`;
  return undefined;
}
