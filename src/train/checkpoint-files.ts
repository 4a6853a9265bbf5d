/** @file What lies in a checkpoint's folder, and how it gets there. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  hashFile,
  type TensorSource,
  writeFileAtomic,
  writeJsonAtomic,
  writeSafetensors,
} from "../artifacts/index.ts";

export const CHECKPOINT_FILES = ["weights.safetensors", "optimizer.safetensors", "record.json"] as const;

/** A checkpoint as it crosses to the thread that writes it. */
export interface CheckpointToWrite {
  readonly folder: string;
  readonly step: number;
  readonly weights: readonly TensorSource[];
  readonly state: readonly TensorSource[];
  /** JSON. */
  readonly record: string;
}

/** Writes the files, and last of all `checkpoint.json` with their SHA-256, which makes them a checkpoint. */
export async function writeCheckpointFiles({
  folder,
  step,
  weights,
  state,
  record,
}: CheckpointToWrite): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeSafetensors(join(folder, CHECKPOINT_FILES[0]), weights);
  await writeSafetensors(join(folder, CHECKPOINT_FILES[1]), state);
  await writeFileAtomic(join(folder, CHECKPOINT_FILES[2]), record);
  const sha256: Record<string, string> = {};
  for (const file of CHECKPOINT_FILES) sha256[file] = (await hashFile(join(folder, file))).sha256;
  await writeJsonAtomic(join(folder, "checkpoint.json"), { step, sha256 });
}
