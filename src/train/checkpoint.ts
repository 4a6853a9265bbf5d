/**
 * @file Checkpoints inside a running stage's folder: `checkpoints/step-00000250/` with weights, optimizer state and the
 * record of the run so far. `checkpoint.json` is written last and holds the other files' SHA-256, so a folder
 * that a kill left unfinished or a disk corrupted is recognised and passed over, never loaded.
 */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { hashFile, writeFileAtomic, writeJsonAtomic, writeSafetensors } from "../artifacts/index.ts";
import { describeError, type Reporter } from "../core/index.ts";
import type { ModelConfig, Weights } from "../model/index.ts";
import { readTensors, stateTensors, weightTensors } from "./weights-folder.ts";

/** How many checkpoints are kept: the newest, and one to fall back on. */
const KEPT = 2;
const FILES = ["weights.safetensors", "optimizer.safetensors", "record.json"] as const;

const Checkpoint = z.strictObject({
  step: z.int().min(1),
  sha256: z.record(z.string(), z.string()),
});

export interface CheckpointContent {
  readonly step: number;
  readonly weights: Weights;
  readonly state: Weights;
  /** The run's own record (metrics, counts, exposure), restored as it was. */
  readonly record: unknown;
}

function folderOf(dir: string, step: number): string {
  return join(dir, "checkpoints", `step-${String(step).padStart(8, "0")}`);
}

async function listSteps(dir: string): Promise<number[]> {
  const names = await readdir(join(dir, "checkpoints")).catch(() => []);
  return names
    .flatMap((name) => /^step-(\d{8})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
}

/** Writes a checkpoint and removes all but the newest two. */
export async function saveCheckpoint(
  dir: string,
  config: ModelConfig,
  content: CheckpointContent,
): Promise<void> {
  const folder = folderOf(dir, content.step);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeSafetensors(join(folder, FILES[0]), weightTensors(config, content.weights));
  await writeSafetensors(join(folder, FILES[1]), stateTensors(config, content.state));
  await writeFileAtomic(join(folder, FILES[2]), JSON.stringify(content.record));
  const sha256: Record<string, string> = {};
  for (const file of FILES) sha256[file] = (await hashFile(join(folder, file))).sha256;
  await writeJsonAtomic(join(folder, "checkpoint.json"), { step: content.step, sha256 });
  for (const step of (await listSteps(dir)).slice(KEPT))
    await rm(folderOf(dir, step), { recursive: true, force: true });
}

/** The newest whole checkpoint, or undefined; broken ones are passed over with a line that says why. */
export async function loadCheckpoint(dir: string, report: Reporter): Promise<CheckpointContent | undefined> {
  for (const step of await listSteps(dir)) {
    const folder = folderOf(dir, step);
    try {
      const { sha256 } = Checkpoint.parse(
        JSON.parse(await readFile(join(folder, "checkpoint.json"), "utf8")),
      );
      for (const file of FILES) {
        if ((await hashFile(join(folder, file))).sha256 !== sha256[file])
          throw new Error(`${file} is not as it was written`);
      }
      return {
        step,
        weights: await readTensors(join(folder, FILES[0])),
        state: await readTensors(join(folder, FILES[1])),
        record: JSON.parse(await readFile(join(folder, FILES[2]), "utf8")),
      };
    } catch (error) {
      report.line(
        `Checkpoint of step ${step} is not usable and is passed over: ${describeError(error).split("\n")[0]}`,
      );
    }
  }
  return undefined;
}

/** Removes all checkpoints, once the run's result is written. */
export async function removeCheckpoints(dir: string): Promise<void> {
  await rm(join(dir, "checkpoints"), { recursive: true, force: true });
}
