/** @file Which rank keeps the optimizer state of which parameter, and how much of a step's batch each computes at once. */
import { FirnError } from "../../core/index.ts";

/**
 * The owner of each parameter, given their sizes: largest first, each to the rank that has least so far (Graham 1969,
 * "longest processing time"). Whole parameters only, because some optimizers need a whole matrix.
 */
export function assignOwners(sizes: readonly number[], ranks: number): number[] {
  const loads = Array.from({ length: ranks }, () => 0);
  const owners = sizes.map(() => 0);
  const order = sizes.map((_, i) => i).sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  for (const index of order) {
    const rank = loads.indexOf(Math.min(...loads));
    owners[index] = rank;
    loads[rank]! += sizes[index]!;
  }
  return owners;
}

/**
 * Sequences in a micro-batch such that every rank computes the same number of them. They stay as many as on one rank where
 * they can, and then the step has the same bits; where there are fewer micro-batches than ranks they become fewer.
 *
 * @throws FirnError `TRAIN_RANKS` if the batch has no equal shares
 */
export function rankMicroBatch(batch: number, microBatch: number, ranks: number): number {
  if (batch % ranks !== 0) {
    throw new FirnError("TRAIN_RANKS", {
      expected: `a number of ranks that divides the batch of ${batch} sequences`,
      got: `${ranks} ranks`,
      next: "Start another number of ranks, or change `batch` in the recipe.",
    });
  }
  const share = batch / ranks;
  let size = Math.min(microBatch, share);
  while (share % size !== 0) size -= 1;
  return size;
}
