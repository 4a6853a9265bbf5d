/** @file The thread that writes checkpoints while training goes on. */
import { serveItems } from "../core/index.ts";
import { type CheckpointToWrite, writeCheckpointFiles } from "./checkpoint-files.ts";

serveItems((checkpoint: CheckpointToWrite) => writeCheckpointFiles(checkpoint));
