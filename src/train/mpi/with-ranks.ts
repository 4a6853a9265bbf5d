/** @file Runs a piece of work on rank 0 of an MPI job, with the other ranks at its service for training. */
import type { Communicator } from "../../core/index.ts";
import { FirnError } from "../../core/index.ts";
import { sendCommand } from "../parallel/command.ts";
import { joinTraining } from "../parallel/join-training.ts";
import type { Launch } from "./launch.ts";
import { openMpiLibrary } from "./library.ts";
import { MpiCommunicator } from "./mpi-communicator.ts";

export interface RankOptions {
  readonly launch: Launch;
  /** Threads inside one numerical session of this rank. */
  readonly threads: number;
  /** How long a rank may stay silent in the middle of a step. */
  readonly timeoutMs: number;
}

/**
 * Joins the MPI job that this process was started for.
 * @throws FirnError `TRAIN_MPI_MISSING`, `TRAIN_LAUNCH`, `TRAIN_MPI_FAILED`
 */
export function joinRanks({ launch, timeoutMs }: Omit<RankOptions, "threads">): MpiCommunicator {
  const library = openMpiLibrary(launch.families);
  const communicator = MpiCommunicator.join(library, { timeoutMs });
  // A rank that fails takes the job with it, after it has said why: the others would wait for it.
  process.once("exit", (code) => {
    if (code !== 0) communicator.abort(code);
  });
  if (launch.size !== undefined && launch.size !== communicator.size) {
    throw new FirnError("TRAIN_LAUNCH", {
      expected: `the ${launch.size} processes that were started to be one MPI job`,
      got: `a job of ${communicator.size} in ${library.version} (${library.file})`,
      next: "The launcher and the library belong to different MPI installations; use the mpirun of that library (`firn doctor` names it).",
    });
  }
  return communicator;
}

/**
 * Joins the job. On rank 0 runs `lead`, which trains with the communicator it is given, and returns what it returns; on
 * every other rank takes part in that training and returns `undefined` when `lead` is done.
 *
 * @throws FirnError `TRAIN_MPI_MISSING`, `TRAIN_LAUNCH`, `TRAIN_MPI_FAILED`, `TRAIN_RANK_SILENT`, and what `lead` throws; the
 *   process is then expected to end with an exit code other than 0, which ends the others too
 */
export async function withRanks<T>(
  options: RankOptions,
  lead: (communicator: Communicator) => Promise<T>,
): Promise<T | undefined> {
  const communicator = joinRanks(options);
  if (communicator.rank > 0) {
    await joinTraining(communicator, options.threads);
    communicator.leave();
    return undefined;
  }
  const result = await lead(communicator);
  await sendCommand(communicator, { kind: "leave" });
  communicator.leave();
  return result;
}
