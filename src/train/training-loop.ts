/** @file The loop over the steps: batch, gradients, judgement, update, record, checkpoint; and the way back. */
import { cpus } from "node:os";
import { FirnError, type Json, soloCommunicator, type Work } from "../core/index.ts";
import { type Batch, makeBatch } from "./batch.ts";
import { stateFits } from "./check-run.ts";
import { type CheckpointContent, CheckpointWriter, loadCheckpoint } from "./checkpoint.ts";
import { microBatchOf } from "./config.ts";
import { addGroups, bitsPerByteOf, blockSteps, groupStep } from "./group-losses.ts";
import { LiveView } from "./live-view.ts";
import { LiveMetrics } from "./metrics.ts";
import {
  addStep,
  emptyRecord,
  firstSequence,
  recentLoss,
  RunRecord,
  skipsInARow,
  stepsDone,
} from "./run-record.ts";
import type { TrainingRun } from "./run-training.ts";
import { learningRateAt } from "./schedule.ts";
import { reasonToSkip } from "./stability.ts";
import type { StepPlan } from "./step-plan.ts";
import { type Timetable, timetable } from "./timetable.ts";
import type { GradientResult } from "./replica.ts";
import { Trainer } from "./trainer.ts";

/** Documents that a fact or an error names at most. */
const NAMED_DOCUMENTS = 20;

export class TrainingLoop {
  readonly #run: TrainingRun;
  readonly #plan: StepPlan;
  readonly #work: Work;
  readonly #checkpoints: CheckpointWriter;
  readonly #metrics: LiveMetrics;
  /** Steps at which the data or the batch changes. */
  readonly #changes: readonly number[];
  readonly times: Timetable;
  trainer: Trainer;
  record: RunRecord;

  private constructor(
    run: TrainingRun,
    plan: StepPlan,
    work: Work,
    from: { trainer: Trainer; record: RunRecord },
  ) {
    this.#run = run;
    this.#plan = plan;
    this.#work = work;
    this.trainer = from.trainer;
    this.record = from.record;
    const { config, model, dir, packing } = run;
    this.times = timetable(config);
    this.#checkpoints = new CheckpointWriter(dir, model, config.checkpointKeep);
    this.#metrics = new LiveMetrics(dir, this.times, config.length);
    const mixChanges = (packing.changesAt ?? []).map((sequence) => this.times.stepOf(sequence));
    this.#changes = [...this.times.growsAt, ...mixChanges].sort((a, b) => a - b);
  }

  /** Goes on from the newest whole checkpoint, or begins. */
  static async open(run: TrainingRun, plan: StepPlan, work: Work): Promise<TrainingLoop> {
    const saved = await loadUsable(run, work);
    reportSmallMicroBatches(run, plan, work);
    if (saved !== undefined) work.report.line(`Goes on after step ${saved.step} of ${run.config.steps}.`);
    const record = saved === undefined ? emptyRecord() : RunRecord.parse(saved.record);
    return new TrainingLoop(run, plan, work, {
      trainer: await createTrainer(run, plan, work, saved),
      record,
    });
  }

  /** Runs the steps that are left. */
  async run(): Promise<void> {
    const { config, kind, dir, flopsPerToken } = this.#run;
    const { report, signal, threads } = this.#work;
    const fromStep = stepsDone(this.record);
    const done = this.times.sequencesBefore(fromStep + 1);
    const tokens = (this.times.sequences - done) * config.length;
    const view = await LiveView.start({ dir, threads, flopsPerToken, tokens, steps: config.steps }, () =>
      performance.now(),
    );
    const task = report.task(kind, this.times.sequences * config.length, "tokens");
    await this.#metrics.rewrite(this.record);
    try {
      if (stepsDone(this.record) === 0) await this.#look();
      while (stepsDone(this.record) < config.steps) {
        signal.throwIfAborted();
        await this.#step();
        const step = stepsDone(this.record);
        const note = await view.step(this.record, this.times.batchAt(step) * config.length);
        task.update(this.times.sequencesBefore(step + 1) * config.length, note);
        await this.#look();
        await this.#goBackOrSave();
      }
    } finally {
      this.#work.measured?.({
        run: kind,
        fromStep,
        toStep: stepsDone(this.record),
        steps: config.steps,
        device: cpus()[0]?.model.trim() ?? "",
        threads,
        processes: this.#work.communicator?.size ?? 1,
        ...(await view.taken()),
      });
      await this.#checkpoints.close();
    }
    task.finish(`loss ${recentLoss(this.record, 20).toFixed(3)} after ${config.steps} steps`);
    report.line(`${kind}: ${await view.finish()}`);
  }

  async #look(): Promise<void> {
    const { look, config } = this.#run;
    const step = stepsDone(this.record);
    if (look !== undefined && looksAt(step, config.steps, look.times))
      await look.at(step, await this.trainer.weights());
  }

  async #step(): Promise<void> {
    const { config, model, documents, packing, goldfish } = this.#run;
    const { record } = this;
    const step = stepsDone(record) + 1;
    const batch = makeBatch(
      documents,
      packing,
      { length: config.length, padId: model.padId, goldfish },
      { first: firstSequence(record, this.times, step), batch: this.times.batchAt(step) },
    );
    const rate = learningRateAt(config.learningRate, step, config.steps);
    const found = await this.trainer.gradients(batch);
    const skip = reasonToSkip(config.stability, record, this.#changes, found);
    if (skip === undefined) {
      // The optimizer counts its own updates: its corrections are for means over as many gradients.
      await this.trainer.update(step - record.skips.length, rate);
    }
    const groups = groupStep(documents, batch, found.negativeLogLikelihood);
    addStep(record, batch, {
      found,
      rate,
      bitsPerByte: bitsPerByteOf(groups),
      clipped: found.gradientNorm > config.optimizer.clipNorm,
      skip,
    });
    if (skip === undefined) addGroups(record.groups, groups, step, blockSteps(config.steps));
    else this.#reportSkip(step, skip, batch, found);
    await this.#metrics.append(record);
  }

  #reportSkip(step: number, reason: string, batch: Batch, found: GradientResult): void {
    const { documents, kind } = this.#run;
    const names = [...new Set(batch.rows.flat().map(({ document }) => documents.names[document]!))];
    this.#work.report.line(
      `Step ${step} is skipped: ${reason}. Its documents: ${names.slice(0, 5).join(", ")}${names.length > 5 ? ` and ${names.length - 5} more` : ""}.`,
    );
    const data: Json = {
      step,
      reason,
      // JSON has no infinities.
      loss: String(found.loss),
      gradientNorm: String(found.gradientNorm),
      documents: names.slice(0, NAMED_DOCUMENTS),
      documentCount: names.length,
    };
    this.#work.fact(`${kind}-skip`, data);
  }

  async #goBackOrSave(): Promise<void> {
    const { config } = this.#run;
    const step = stepsDone(this.record);
    const skips = skipsInARow(this.record);
    if (skips >= config.stability.rollbackAfter) await this.#goBack();
    else if (skips === 0 && step % config.checkpointEvery === 0 && step < config.steps) {
      const [weights, state] = [await this.trainer.weights(), await this.trainer.state()];
      await this.#checkpoints.save({ step, weights, state, record: this.record });
    }
  }

  /** Takes up the last checkpoint and passes over the data of all steps since. */
  async #goBack(): Promise<void> {
    const { config, kind } = this.#run;
    const atStep = stepsDone(this.record);
    const { rollbacks } = this.record;
    if (rollbacks.length >= config.stability.stopAfter) {
      const last = this.record.skips.at(-1)!;
      throw new FirnError("TRAIN_UNSTABLE", {
        expected: "training that goes on after bad data was passed over",
        got: `${config.stability.rollbackAfter} skipped steps in a row after going back ${rollbacks.length} times; at last ${last.reason}`,
        where: `step ${atStep}`,
        next: "Lower the peak learning rate or raise the warm-up; the last good checkpoint is kept, and the ledger names the documents.",
      });
    }
    await this.#checkpoints.flush();
    const saved = await loadUsable(this.#run, this.#work);
    const toStep = saved?.step ?? 0;
    const sequences = this.times.sequencesBefore(atStep + 1) - this.times.sequencesBefore(toStep + 1);
    const restored = saved === undefined ? emptyRecord() : RunRecord.parse(saved.record);
    this.record = { ...restored, rollbacks: [...rollbacks, { atStep, toStep, sequences }] };
    await this.trainer.close();
    this.trainer = await createTrainer(this.#run, this.#plan, this.#work, saved);
    await this.#metrics.rewrite(this.record);
    this.#work.report.line(
      `Goes back from step ${atStep} to step ${toStep} and passes over the ${sequences} sequences between.`,
    );
    this.#work.fact(`${kind}-rollback`, { atStep, toStep, sequences });
  }
}

/** True before the first step, after the last, and `times` times in between, evenly. */
function looksAt(step: number, steps: number, times: number): boolean {
  const passed = (at: number): number => Math.floor((at * (times + 1)) / steps);
  return step === 0 || passed(step) > passed(step - 1);
}

/** Says so where several ranks make a step's sums come out in another order than one rank does. */
function reportSmallMicroBatches(run: TrainingRun, plan: StepPlan, work: Work): void {
  const alone = microBatchOf(run.config);
  const { microBatch } = plan.shape;
  if (microBatch === alone) return;
  work.report.line(
    `${work.communicator?.size} ranks need micro-batches of ${microBatch} sequences instead of ${alone}: the weights will be those of one ` +
      `rank to rounding, not bit for bit. With \`microBatch: ${microBatch}\` in the recipe they would be.`,
  );
}

/** The newest checkpoint that is whole and of this model and optimizer. */
async function loadUsable(run: TrainingRun, work: Work): Promise<CheckpointContent | undefined> {
  const saved = await loadCheckpoint(run.dir, work.report);
  if (saved === undefined || stateFits(saved.state, run.model, run.config.optimizer)) return saved;
  throw new FirnError("TRAIN_CHECKPOINT_OF_ANOTHER_RUN", {
    expected: "a checkpoint of this model and this optimizer",
    got: `one with other optimizer state, of step ${saved.step}`,
    where: run.dir,
    next: "Train into another folder, or remove this one's `checkpoints`.",
  });
}

function createTrainer(
  run: TrainingRun,
  { shape, lanes }: StepPlan,
  work: Work,
  saved: CheckpointContent | undefined,
): Promise<Trainer> {
  const { communicator = soloCommunicator, threads } = work;
  return Trainer.create(run.model, run.config.optimizer, shape, saved?.weights ?? run.weights, {
    threads,
    lanes,
    where: run.dir,
    communicator,
    device: run.config.device,
    ...(saved === undefined ? {} : { state: saved.state }),
  });
}
