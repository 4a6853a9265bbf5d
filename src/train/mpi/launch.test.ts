import { describe, expect, it } from "vitest";
import { launchOf } from "./launch.ts";

describe("a process's launcher", () => {
  it("is none when it was started on its own, by hand or as the only one of a job", () => {
    expect(launchOf({ PATH: "/bin" })).toBeUndefined();
    expect(launchOf({ SLURM_JOB_ID: "7", SLURM_STEP_NUM_TASKS: "1" })).toBeUndefined();
    expect(launchOf({ OMPI_COMM_WORLD_SIZE: "1", OMPI_COMM_WORLD_RANK: "0" })).toBeUndefined();
  });

  it("is Open MPI's mpirun, MPICH's, or srun with either plug-in", () => {
    expect(launchOf({ OMPI_COMM_WORLD_SIZE: "4", OMPI_COMM_WORLD_LOCAL_SIZE: "2", PMIX_RANK: "1" })).toEqual({
      families: ["Open MPI"],
      size: 4,
      localSize: 2,
    });
    expect(launchOf({ PMI_RANK: "0", PMI_SIZE: "2", MPI_LOCALNRANKS: "2" })).toEqual({
      families: ["MPICH", "Open MPI"],
      size: 2,
      localSize: 2,
    });
    expect(launchOf({ PMIX_RANK: "0", SLURM_STEP_NUM_TASKS: "8" })).toEqual({
      families: ["Open MPI", "MPICH"],
      size: 8,
      localSize: undefined,
    });
  });

  it("that does not tell its tasks of each other is refused, with the option that does", () => {
    expect(() => launchOf({ SLURM_STEP_NUM_TASKS: "2", SLURM_PROCID: "0" })).toThrow(
      /TRAIN_LAUNCH.*--mpi=pmix/,
    );
  });
});
