/** @file The training loop: resumes, steps, records, checkpoints, and writes the weights artifact. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ParquetRowsWriter, writeFileAtomic, writeSafetensors } from "../artifacts/index.ts";
import {
  FirnError,
  formatCount,
  formatDuration,
  formatPercent,
  type Json,
  type Work,
} from "../core/index.ts";
import { type ModelConfig, parameterCount, type Weights } from "../model/index.ts";
import { type Batch, makeBatch } from "./batch.ts";
import { loadCheckpoint, removeCheckpoints, saveCheckpoint } from "./checkpoint.ts";
import type { FinetuneConfig } from "./config.ts";
import type { Packing, TokenDocuments } from "./packing.ts";
import { learningRateAt } from "./schedule.ts";
import { Trainer } from "./trainer.ts";
import { stateTensors, writeWeights } from "./weights-folder.ts";

/** Everything `runTraining` needs; the packing decides which documents stand where. */
export interface TrainingRun {
  /** What the fact and the progress bar call it, e.g. `train` or `finetune`. */
  readonly kind: string;
  readonly config: FinetuneConfig;
  readonly goldfish: { readonly k: number; readonly window: number } | null;
  readonly model: ModelConfig;
  readonly weights: Weights;
  readonly documents: TokenDocuments;
  readonly packing: Packing;
  /** Training FLOPs per token, for the record (technical report App. D). */
  readonly flopsPerToken: number;
  /** Where the artifact grows. */
  readonly dir: string;
}

const RunRecord = z.strictObject({
  /** Per step: loss, gradient norm, learning rate. */
  losses: z.array(z.number()),
  norms: z.array(z.number()),
  rates: z.array(z.number()),
  learnt: z.number(),
  goldfish: z.number(),
  border: z.number(),
  withheld: z.number(),
  clippedSteps: z.number(),
});
type RunRecord = z.infer<typeof RunRecord>;

function emptyRecord(): RunRecord {
  return {
    losses: [],
    norms: [],
    rates: [],
    learnt: 0,
    goldfish: 0,
    border: 0,
    withheld: 0,
    clippedSteps: 0,
  };
}

function checkIds(documents: TokenDocuments, vocabSize: number): void {
  for (const id of documents.ids) {
    if (id < 0 || id >= vocabSize) {
      throw new FirnError("TRAIN_TOKEN_RANGE", {
        expected: `token ids below the model's vocabulary size ${vocabSize}`,
        got: `id ${id}`,
        next: "The tokens were made by another tokenizer; tokenize again or set the model's vocabulary size.",
      });
    }
  }
}

/** The mean of the last `count` numbers. */
function recentMean(values: readonly number[], count: number): number {
  const last = values.slice(-count);
  return last.reduce((sum, value) => sum + value, 0) / Math.max(1, last.length);
}

async function writeExposure(run: TrainingRun): Promise<void> {
  const { config, documents, packing, dir } = run;
  const writer = await ParquetRowsWriter.create(join(dir, "exposure.parquet"), {
    columns: [
      { name: "step", type: "INT32" },
      { name: "row", type: "INT32" },
      { name: "document", type: "STRING" },
      { name: "start", type: "INT64" },
      { name: "length", type: "INT32" },
    ],
  });
  for (let step = 1; step <= config.steps; step++) {
    const rows = Array.from({ length: config.batch }, (_, row) => row).flatMap((row) =>
      packing.pieces((step - 1) * config.batch + row).map((piece) => ({
        step,
        row,
        document: documents.names[piece.document]!,
        start: BigInt(piece.start),
        length: piece.length,
      })),
    );
    await writer.write(rows);
  }
  await writer.close();
}

function account(
  record: RunRecord,
  batch: Batch,
  loss: number,
  norm: number,
  rate: number,
  clipNorm: number,
): void {
  record.losses.push(loss);
  record.norms.push(norm);
  record.rates.push(rate);
  record.learnt += batch.counts.learnt;
  record.goldfish += batch.counts.goldfish;
  record.border += batch.counts.border;
  record.withheld += batch.counts.withheld;
  if (norm > clipNorm) record.clippedSteps += 1;
}

async function restore(
  run: TrainingRun,
  work: Work,
): Promise<{ trainer: Trainer; record: RunRecord; done: number }> {
  const { config, model, dir } = run;
  const saved = await loadCheckpoint(dir, work.report);
  const trainer = await Trainer.create(
    model,
    config.optimizer,
    { batch: config.batch, length: config.length, lossChunkRows: config.lossChunkRows },
    saved?.weights ?? run.weights,
    { threads: work.threads, where: dir, ...(saved === undefined ? {} : { state: saved.state }) },
  );
  if (saved !== undefined) work.report.line(`Goes on after step ${saved.step} of ${config.steps}.`);
  const record = saved === undefined ? emptyRecord() : RunRecord.parse(saved.record);
  return { trainer, record, done: saved?.step ?? 0 };
}

async function trainSteps(
  run: TrainingRun,
  work: Work,
  trainer: Trainer,
  record: RunRecord,
  done: number,
): Promise<void> {
  const { config, model, documents, packing, dir } = run;
  const tokensPerStep = config.batch * config.length;
  const task = work.report.task(run.kind, config.steps * tokensPerStep, "tokens");
  const batchConfig = {
    batch: config.batch,
    length: config.length,
    padId: model.padId,
    goldfish: run.goldfish,
  };
  for (let step = done + 1; step <= config.steps; step++) {
    work.signal.throwIfAborted();
    const batch = makeBatch(documents, packing, batchConfig, step);
    const rate = learningRateAt(config.learningRate, step, config.steps);
    const { loss, gradientNorm } = await trainer.step(batch, step, rate);
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      throw new FirnError("TRAIN_NOT_FINITE", {
        expected: "a finite loss and gradient norm",
        got: `loss ${loss}, gradient norm ${gradientNorm}`,
        where: `step ${step}, documents ${[...new Set(batch.rows.flat().map((piece) => documents.names[piece.document]))].slice(0, 5).join(", ")} …`,
        next: "Lower the learning rate; the last checkpoint is kept.",
      });
    }
    account(record, batch, loss, gradientNorm, rate, config.optimizer.clipNorm);
    const note = `loss ${recentMean(record.losses, 10).toFixed(3)}  norm ${gradientNorm.toFixed(2)}  lr ${rate.toExponential(1)}`;
    task.update(step * tokensPerStep, note);
    if (step % config.checkpointEvery === 0 && step < config.steps) {
      await saveCheckpoint(dir, model, { step, weights: trainer.weights(), state: trainer.state(), record });
    }
  }
  task.finish(`${run.kind}: loss ${recentMean(record.losses, 20).toFixed(3)} after ${config.steps} steps`);
}

/** The numbers of a finished run, the same in every run of the same recipe. */
function summarize(run: TrainingRun, record: RunRecord): { readonly [key: string]: Json } {
  const { config, packing } = run;
  const tokens = config.steps * config.batch * config.length;
  return {
    steps: config.steps,
    tokens,
    sequences: config.steps * config.batch,
    epochs: (config.steps * config.batch) / packing.sequencesPerEpoch,
    droppedTokensPerEpoch: packing.droppedTokensPerEpoch,
    learntTokens: record.learnt,
    goldfishTokens: record.goldfish,
    goldfishShare: record.goldfish / Math.max(1, record.learnt + record.goldfish),
    borderTokens: record.border,
    withheldTokens: record.withheld,
    clippedSteps: record.clippedSteps,
    firstLoss: record.losses[0]!,
    finalLoss: recentMean(record.losses, 20),
    parameters: parameterCount(run.model),
    flopsPerToken: run.flopsPerToken,
    flops: run.flopsPerToken * tokens,
  };
}

/**
 * Trains `run.model` and writes into `run.dir`: `model.safetensors`, `config.json`, `optimizer.safetensors`,
 * `metrics.jsonl` (step, loss, gradient norm, learning rate) and `exposure.parquet` (step, row, document, start, length).
 * Goes on from the newest whole checkpoint in `run.dir`; the bytes do not depend on where it was stopped.
 *
 * @returns the summary, also recorded as the fact `run.kind`
 */
export async function runTraining(run: TrainingRun, work: Work): Promise<{ readonly [key: string]: Json }> {
  checkIds(run.documents, run.model.vocabSize);
  await mkdir(run.dir, { recursive: true });
  const { trainer, record, done } = await restore(run, work);
  const started = performance.now();
  try {
    await trainSteps(run, work, trainer, record, done);
    const seconds = (performance.now() - started) / 1000;
    const tokens = (run.config.steps - done) * run.config.batch * run.config.length;
    work.report.line(
      `${run.kind}: ${formatCount(tokens)} tokens in ${formatDuration(seconds)}, ${formatCount(tokens / seconds)} tokens/s, ` +
        `${formatCount((tokens * run.flopsPerToken) / seconds)}FLOP/s; ` +
        `goldfish dropped ${formatPercent(record.goldfish / Math.max(1, record.learnt + record.goldfish))} of the labels.`,
    );
    await writeWeights(run.dir, run.model, trainer.weights());
    await writeSafetensors(join(run.dir, "optimizer.safetensors"), stateTensors(run.model, trainer.state()));
  } finally {
    await trainer.close();
  }
  const metrics = record.losses.map((loss, i) =>
    JSON.stringify({ step: i + 1, loss, gradientNorm: record.norms[i], learningRate: record.rates[i] }),
  );
  await writeFileAtomic(join(run.dir, "metrics.jsonl"), `${metrics.join("\n")}\n`);
  await writeExposure(run);
  await removeCheckpoints(run.dir);
  const summary = summarize(run, record);
  work.fact(run.kind, summary);
  return summary;
}
