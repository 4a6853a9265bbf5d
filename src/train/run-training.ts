/** @file A training run from its checks to the weights artifact it leaves. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeSafetensors } from "../artifacts/index.ts";
import { formatBytes, formatPercent, type Json, type Work } from "../core/index.ts";
import { type ModelConfig, parameterCount, type Weights } from "../model/index.ts";
import { checkIds, checkLength, checkWeights } from "./check-run.ts";
import { removeCheckpoints } from "./checkpoint.ts";
import type { FinetuneConfig } from "./config.ts";
import { type SourceUse, writeExposure } from "./exposure.ts";
import type { GoldfishConfig } from "./goldfish.ts";
import { writeMetrics } from "./metrics.ts";
import type { Packing, TokenDocuments } from "./packing.ts";
import { availableMemory, checkMemory } from "./predict-memory.ts";
import { recentLoss, type RunRecord } from "./run-record.ts";
import { planSteps } from "./step-plan.ts";
import { TrainingLoop } from "./training-loop.ts";
import type { Timetable } from "./timetable.ts";
import { stateTensors, writeWeights } from "./weights-folder.ts";

/** Everything `runTraining` needs; the packing decides which documents stand where. */
export interface TrainingRun {
  /** What the fact and the progress bar call it, e.g. `train` or `finetune`. */
  readonly kind: string;
  readonly config: FinetuneConfig;
  readonly goldfish: GoldfishConfig | null;
  readonly model: ModelConfig;
  readonly weights: Weights;
  readonly documents: TokenDocuments;
  readonly packing: Packing;
  /** Training FLOPs per token, for the record (technical report App. D). */
  readonly flopsPerToken: number;
  /** Where the artifact grows. */
  readonly dir: string;
  /** Looks at the model on its way; whatever it finds is no part of the artifact. */
  readonly look?: {
    /** How often while the steps go by; before the first and after the last come on top. */
    readonly times: number;
    at(step: number, weights: Weights): Promise<void>;
  };
}

/** The numbers of a finished run, the same in every run of the same recipe. */
function summarize(
  run: TrainingRun,
  record: RunRecord,
  times: Timetable,
  sources: Record<string, SourceUse>,
): { readonly [key: string]: Json } {
  const { config, packing } = run;
  const { sequences } = times;
  const tokens = sequences * config.length;
  return {
    steps: config.steps,
    device: config.device,
    tokens,
    sequences,
    epochs: sequences / packing.sequencesPerEpoch,
    droppedTokensPerEpoch: packing.droppedTokensPerEpoch,
    learntTokens: record.learnt,
    goldfishTokens: record.goldfish,
    goldfishShare: goldfishShare(record),
    borderTokens: record.border,
    withheldTokens: record.withheld,
    skippedTokens: record.skipped,
    skippedSteps: record.skips.length,
    rollbacks: record.rollbacks.map((rollback) => ({ ...rollback })),
    clippedSteps: record.clippedSteps,
    sources: Object.fromEntries(Object.entries(sources).map(([source, use]) => [source, { ...use }])),
    firstLoss: record.losses[0]!,
    finalLoss: recentLoss(record, 20),
    parameters: parameterCount(run.model),
    flopsPerToken: run.flopsPerToken,
    flops: run.flopsPerToken * tokens,
  };
}

/** The true drop rate: dropped labels over those that could have been learnt. */
function goldfishShare({ goldfish, learnt }: RunRecord): number {
  return goldfish / Math.max(1, learnt + goldfish);
}

function reportCounts(
  run: TrainingRun,
  record: RunRecord,
  sources: Record<string, SourceUse>,
  work: Work,
): void {
  const { report } = work;
  report.line(
    `${run.kind}: learnt ${record.learnt} labels; goldfish dropped ${record.goldfish} (${formatPercent(goldfishShare(record))}), ` +
      `${record.border} stand at borders, ${record.withheld} are withheld; ` +
      `${record.clippedSteps} steps clipped, ${record.skips.length} skipped, ${record.rollbacks.length} times back.`,
  );
  for (const [source, { taken, epochs }] of Object.entries(sources))
    report.line(`${run.kind}: ${source}: ${taken} tokens, ${epochs.toFixed(2)} epochs`);
}

/**
 * Trains `run.model` and writes into `run.dir`: `model.safetensors`, `config.json`, `optimizer.safetensors`, the curves
 * (`metrics.ts`) and `exposure.parquet` (step, row, document, start, length). Goes on from the newest whole checkpoint in
 * `run.dir`; the bytes do not depend on where it was stopped.
 *
 * @returns the summary, also recorded as the fact `run.kind`
 * @throws FirnError before any work: `TRAIN_TOKEN_RANGE`, `TRAIN_SEQUENCE_LENGTH`, `TRAIN_WEIGHTS_OF_ANOTHER_MODEL`,
 *   `TRAIN_MEMORY`; later `TRAIN_UNSTABLE`
 */
export async function runTraining(run: TrainingRun, work: Work): Promise<{ readonly [key: string]: Json }> {
  const { config, model, dir } = run;
  checkLength(config.length, model);
  checkIds(run.documents, model.vocabSize);
  checkWeights(run.weights, model);
  const plan = planSteps(model, config, work);
  work.report.line(`${run.kind}: ${formatBytes(plan.memory.total)} of memory predicted.`);
  checkMemory(plan.memory, availableMemory());
  await mkdir(dir, { recursive: true });
  const loop = await TrainingLoop.open(run, plan, work);
  try {
    await loop.run();
    await writeWeights(dir, model, await loop.trainer.weights());
    const state = await loop.trainer.state();
    await writeSafetensors(join(dir, "optimizer.safetensors"), stateTensors(model, state));
  } finally {
    await loop.trainer.close();
  }
  const { record, times } = loop;
  await writeMetrics(dir, record, times, config.length);
  const sources = await writeExposure(dir, { ...run, times }, record);
  await removeCheckpoints(dir, config.checkpointKeep);
  reportCounts(run, record, sources, work);
  const summary = summarize(run, record, times, sources);
  work.fact(run.kind, summary);
  return summary;
}
