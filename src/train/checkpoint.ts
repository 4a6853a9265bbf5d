/**
 * @file Checkpoints inside a running stage's folder: `checkpoints/step-00000250/` with weights, optimizer state and the
 * record of the run so far. They are copied in memory and written by a thread of their own while training goes on.
 * `checkpoint.json` is written last and holds the other files' SHA-256, so a folder that a kill left unfinished or a
 * disk corrupted is recognised and passed over, never loaded.
 */
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { hashFile, type TensorSource } from "../artifacts/index.ts";
import { describeError, PoolWorker, type Reporter } from "../core/index.ts";
import type { ModelConfig, Weights } from "../model/index.ts";
import { CHECKPOINT_FILES, type CheckpointToWrite } from "./checkpoint-files.ts";
import { readTensors, stateTensors, weightTensors } from "./weights-folder.ts";

const WORKER = new URL(
  `./checkpoint-worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`,
  import.meta.url,
);

const Checkpoint = z.strictObject({
  step: z.int().min(1),
  sha256: z.record(z.string(), z.string()),
});

/** Which checkpoints stay: the newest `last`, and every one whose step `every` divides. */
export const CheckpointKeep = z.strictObject({
  last: z.int().min(1).max(1000).default(2),
  every: z.int().min(1).nullable().default(null),
});
export type CheckpointKeep = z.infer<typeof CheckpointKeep>;

export interface CheckpointContent {
  readonly step: number;
  readonly weights: Weights;
  readonly state: Weights;
  /** The run's own record (metrics, counts), restored as it was. */
  readonly record: unknown;
}

function folderOf(dir: string, step: number): string {
  return join(dir, "checkpoints", `step-${String(step).padStart(8, "0")}`);
}

/** Steps with a checkpoint folder, newest first. */
async function listSteps(dir: string): Promise<number[]> {
  const names = await readdir(join(dir, "checkpoints")).catch(() => []);
  return names
    .flatMap((name) => /^step-(\d{8})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
}

function isMilestone(keep: CheckpointKeep, step: number): boolean {
  return keep.every !== null && step % keep.every === 0;
}

/** Writes one checkpoint at a time; the next waits for the one before. To be closed. */
export class CheckpointWriter {
  readonly #dir: string;
  readonly #config: ModelConfig;
  readonly #keep: CheckpointKeep;
  /** Copies of the tensors, in memory that the writing thread shares; made once. */
  readonly #copies = new Map<string, Float32Array>();
  #thread: PoolWorker | undefined;
  #pending: Promise<void> = Promise.resolve();

  constructor(dir: string, config: ModelConfig, keep: CheckpointKeep) {
    this.#dir = dir;
    this.#config = config;
    this.#keep = keep;
  }

  #copy(tensors: readonly TensorSource[], prefix: string): TensorSource[] {
    return tensors.map((tensor) => {
      const data = tensor.data as Float32Array;
      const key = prefix + tensor.name;
      const copy =
        this.#copies.get(key) ??
        new Float32Array(new SharedArrayBuffer(Float32Array.BYTES_PER_ELEMENT * data.length));
      this.#copies.set(key, copy);
      copy.set(data);
      return { ...tensor, data: copy };
    });
  }

  /** Copies `content` and begins to write it. Waits for, and throws the error of, the checkpoint before. */
  async save({ step, weights, state, record }: CheckpointContent): Promise<void> {
    await this.flush();
    const checkpoint: CheckpointToWrite = {
      folder: folderOf(this.#dir, step),
      step,
      weights: this.#copy(weightTensors(this.#config, weights), "weights."),
      state: this.#copy(stateTensors(this.#config, state), "state."),
      record: JSON.stringify(record),
    };
    this.#pending = this.#write(checkpoint);
    // Its error is thrown by whoever waits for it next.
    this.#pending.catch(() => undefined);
  }

  async #write(checkpoint: CheckpointToWrite): Promise<void> {
    this.#thread ??= new PoolWorker(WORKER, undefined);
    await this.#thread.ask(checkpoint);
    const kept = (await listSteps(this.#dir)).filter((step) => !isMilestone(this.#keep, step));
    for (const step of kept.slice(this.#keep.last))
      await rm(folderOf(this.#dir, step), { recursive: true, force: true });
  }

  /** Waits until what was saved is on the disk. */
  async flush(): Promise<void> {
    await this.#pending;
  }

  /** The same, and ends the writing thread. */
  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.#thread?.end();
      this.#thread = undefined;
    }
  }
}

/** The newest whole checkpoint, or undefined; broken ones are passed over with a line that says why. */
export async function loadCheckpoint(dir: string, report: Reporter): Promise<CheckpointContent | undefined> {
  for (const step of await listSteps(dir)) {
    const folder = folderOf(dir, step);
    try {
      const { sha256 } = Checkpoint.parse(
        JSON.parse(await readFile(join(folder, "checkpoint.json"), "utf8")),
      );
      for (const file of CHECKPOINT_FILES) {
        if ((await hashFile(join(folder, file))).sha256 !== sha256[file])
          throw new Error(`${file} is not as it was written`);
      }
      return {
        step,
        weights: await readTensors(join(folder, CHECKPOINT_FILES[0])),
        state: await readTensors(join(folder, CHECKPOINT_FILES[1])),
        record: JSON.parse(await readFile(join(folder, CHECKPOINT_FILES[2]), "utf8")),
      };
    } catch (error) {
      report.line(
        `Checkpoint of step ${step} is not usable and is passed over: ${describeError(error).split("\n")[0]}`,
      );
    }
  }
  return undefined;
}

/** Removes the checkpoints that were only to resume from, once the run's result is written. */
export async function removeCheckpoints(dir: string, keep: CheckpointKeep): Promise<void> {
  const steps = await listSteps(dir);
  const milestones = steps.filter((step) => isMilestone(keep, step));
  if (milestones.length === 0) {
    await rm(join(dir, "checkpoints"), { recursive: true, force: true });
    return;
  }
  for (const step of steps)
    if (!isMilestone(keep, step)) await rm(folderOf(dir, step), { recursive: true, force: true });
}
