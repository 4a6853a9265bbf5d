/** @file How much of this machine a command may use. */
import { availableParallelism } from "node:os";
import { z } from "zod";
import { integerOption } from "./options.ts";

/** `--workers` and `--threads`, which never change a byte of what is made. */
export const machineOptions = {
  workers: integerOption(1, 1024).optional(),
  threads: integerOption(1, 1024).optional(),
};

const schema = z.object(machineOptions);

/** Both default to the number of cores. */
export function machineUse(options: z.infer<typeof schema>): { workers: number; threads: number } {
  const cores = availableParallelism();
  return { workers: options.workers ?? cores, threads: options.threads ?? cores };
}
