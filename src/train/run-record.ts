/** @file What a run remembers of its steps: saved with every checkpoint, restored with it, printed at the end. */
import { z } from "zod";
import type { GradientResult } from "./replica.ts";
import type { Batch } from "./batch.ts";
import { GroupLosses } from "./group-losses.ts";
import type { Timetable } from "./timetable.ts";

/** A finite number; null where the step had none. */
const measured = z.number().nullable();

const Skip = z.strictObject({ step: z.int(), reason: z.string() });

/** Steps `toStep` + 1 … `atStep` were undone, and go on with the data that follows theirs. */
const Rollback = z.strictObject({ atStep: z.int(), toStep: z.int(), sequences: z.int() });

export const RunRecord = z.strictObject({
  /** Per step. */
  losses: z.array(measured),
  norms: z.array(measured),
  rates: z.array(z.number()),
  /** Bits per UTF-8 byte of the text whose labels were scored; null where the bytes are not known. */
  bitsPerByte: z.array(measured),
  skips: z.array(Skip),
  rollbacks: z.array(Rollback),
  /** What became of the labels of all steps that moved the weights. */
  learnt: z.number(),
  goldfish: z.number(),
  border: z.number(),
  withheld: z.number(),
  /** Labels of steps that were skipped. */
  skipped: z.number(),
  clippedSteps: z.number(),
  groups: GroupLosses,
});
export type RunRecord = z.infer<typeof RunRecord>;

export function emptyRecord(): RunRecord {
  return {
    losses: [],
    norms: [],
    rates: [],
    bitsPerByte: [],
    skips: [],
    rollbacks: [],
    learnt: 0,
    goldfish: 0,
    border: 0,
    withheld: 0,
    skipped: 0,
    clippedSteps: 0,
    groups: { open: [], blocks: [] },
  };
}

/** A finished step as the record takes it. */
export interface StepOutcome {
  readonly found: GradientResult;
  readonly rate: number;
  readonly bitsPerByte: number | undefined;
  readonly clipped: boolean;
  /** Why the step did not move the weights; undefined if it did. */
  readonly skip: string | undefined;
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

export function addStep(record: RunRecord, { counts, ids }: Batch, outcome: StepOutcome): void {
  const { found, rate, bitsPerByte, clipped, skip } = outcome;
  record.losses.push(finite(found.loss));
  record.norms.push(finite(found.gradientNorm));
  record.rates.push(rate);
  record.bitsPerByte.push(finite(bitsPerByte));
  if (skip !== undefined) {
    record.skips.push({ step: record.losses.length, reason: skip });
    record.skipped += ids.length;
    return;
  }
  record.learnt += counts.learnt;
  record.goldfish += counts.goldfish;
  record.border += counts.border;
  record.withheld += counts.withheld;
  if (clipped) record.clippedSteps += 1;
}

/** Steps done, skipped ones included. */
export function stepsDone(record: RunRecord): number {
  return record.losses.length;
}

/** How many of the last steps were skipped without one between them that was not. */
export function skipsInARow(record: RunRecord): number {
  let count = 0;
  while (record.skips.at(-1 - count)?.step === stepsDone(record) - count) count += 1;
  return count;
}

/** The number of the first sequence that `step` takes, counting the data that rollbacks have passed over. */
export function firstSequence(record: RunRecord, times: Timetable, step: number): number {
  const passed = record.rollbacks
    .filter(({ toStep }) => toStep < step)
    .reduce((sum, { sequences }) => sum + sequences, 0);
  return times.sequencesBefore(step) + passed;
}

/** The mean loss of the last `count` steps that moved the weights. */
export function recentLoss(record: RunRecord, count: number): number {
  const skipped = new Set(record.skips.map(({ step }) => step));
  const last: number[] = [];
  for (let i = record.losses.length - 1; i >= 0 && last.length < count; i--) {
    const loss = record.losses[i];
    if (loss !== null && loss !== undefined && !skipped.has(i + 1)) last.push(loss);
  }
  return last.reduce((sum, loss) => sum + loss, 0) / Math.max(1, last.length);
}
