/** @file How much of this machine a command may use. */
import { availableParallelism, cpus } from "node:os";
import { z } from "zod";
import { integerOption } from "./options.ts";

/** `--workers` and `--threads`, which never change a byte of what is made. */
export const machineOptions = {
  workers: integerOption(1, 1024).optional(),
  threads: integerOption(1, 1024).optional(),
};

const schema = z.object(machineOptions);

/** Cores for each of `processes` that share this machine. A launcher that binds them to cores has already divided. */
function coresOf(processes: number): number {
  const allowed = availableParallelism();
  const bound = allowed < cpus().length;
  return bound ? allowed : Math.max(1, Math.floor(allowed / processes));
}

/** Workers default to the number of cores, threads to this process's share of them. */
export function machineUse(
  options: z.infer<typeof schema>,
  processes = 1,
): { workers: number; threads: number } {
  const { workers = availableParallelism(), threads = coresOf(processes) } = options;
  return { workers, threads };
}
