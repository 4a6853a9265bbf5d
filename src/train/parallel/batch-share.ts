/** @file A step's rows on their way from rank 0, which makes the batches, to the ranks that compute them. */
import type { Communicator } from "../../core/index.ts";
import type { Batch } from "../batch.ts";
import { scatter } from "./collectives.ts";

/** A rank's rows of a step's batch. */
export type BatchShare = Pick<Batch, "ids" | "labels" | "positions" | "segments" | "weights">;

/** What belongs to rank `rank` of `size`: consecutive sequences (views). */
function shareOf(batch: BatchShare, rank: number, size: number): BatchShare {
  const rows = batch.ids.length / size;
  const [from, to] = [rank * rows, (rank + 1) * rows];
  return {
    ids: batch.ids.subarray(from, to),
    labels: batch.labels.subarray(from, to),
    positions: batch.positions.subarray(from, to),
    segments: batch.segments.subarray(from, to),
    weights: batch.weights.subarray(from, to),
  };
}

function arraysOf({ ids, labels, positions, segments, weights }: BatchShare): (Int32Array | Float32Array)[] {
  return [ids, labels, positions, segments, weights];
}

/** Rank 0 sends every rank its rows and keeps its own. */
export async function sendShares(communicator: Communicator, batch: BatchShare): Promise<BatchShare> {
  const { rank, size } = communicator;
  const shares = Array.from({ length: size }, (_, owner) => shareOf(batch, owner, size));
  await scatter(communicator, shares.map(arraysOf));
  return shares[rank]!;
}

/** The `rows` tokens that rank 0 sent to this rank. */
export async function receiveShare(communicator: Communicator, rows: number): Promise<BatchShare> {
  const integers = (): Int32Array => new Int32Array(rows);
  const share = {
    ids: integers(),
    labels: integers(),
    positions: integers(),
    segments: integers(),
    weights: new Float32Array(rows),
  };
  const { rank, size } = communicator;
  await scatter(
    communicator,
    Array.from({ length: size }, (_, owner) => (owner === rank ? arraysOf(share) : [])),
  );
  return share;
}
