/** @file Whether a launcher started this process as one of several, as its environment says, and under which MPI. */
import { FirnError } from "../../core/index.ts";
import type { MpiFamily } from "./library.ts";

export interface Launch {
  /** The families of MPI library that can have been meant, the likelier first. */
  readonly families: readonly MpiFamily[];
  /** Processes of the job, where the launcher says it. */
  readonly size: number | undefined;
  /** Processes of the job on this machine, where the launcher says it. */
  readonly localSize: number | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,6}$/.test(text) ? Number(text) : undefined;
}

/** Open MPI's `mpirun` sets `OMPI_…`, MPICH's (Hydra) and Intel's `PMI_…`, `srun` what its `--mpi` plug-in needs. */
function familiesOf(env: Environment): readonly MpiFamily[] | undefined {
  if (env["OMPI_COMM_WORLD_SIZE"] !== undefined) return ["Open MPI"];
  if (env["PMIX_RANK"] !== undefined) return ["Open MPI", "MPICH"];
  if (env["PMI_RANK"] !== undefined) return ["MPICH", "Open MPI"];
  return undefined;
}

/**
 * What started this process as one of several; `undefined` if it is on its own.
 * @throws FirnError `TRAIN_LAUNCH` if `srun` started several that cannot find each other
 */
export function launchOf(env: Environment): Launch | undefined {
  const slurmSize = count(env["SLURM_STEP_NUM_TASKS"]);
  const families = familiesOf(env);
  if (families === undefined) {
    if (slurmSize === undefined || slurmSize === 1) return undefined;
    throw new FirnError("TRAIN_LAUNCH", {
      expected: "srun to tell its tasks of each other",
      got: `${slurmSize} tasks without an MPI plug-in`,
      next: "Add --mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH) to srun; `srun --mpi=list` shows what your cluster has.",
    });
  }
  const size = count(env["OMPI_COMM_WORLD_SIZE"]) ?? count(env["PMI_SIZE"]) ?? slurmSize;
  if (size === 1) return undefined;
  const localSize = count(env["OMPI_COMM_WORLD_LOCAL_SIZE"]) ?? count(env["MPI_LOCALNRANKS"]);
  return { families, size, localSize };
}
