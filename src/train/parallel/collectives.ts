/**
 * @file What data parallel training asks of all ranks together. Sums are made in a fixed order, by halves, whatever the
 * MPI library and however fast each rank is: so the same ranks give the same bits, and where the halves are also those
 * of one rank alone (see `replica.ts`), any number of ranks does.
 *
 * The pair of `reduceScatter` and `allGather` is the all-reduce of Rabenseifner (2004) taken apart, with the optimizer in
 * between (ZeRO stage 1: Rajbhandari et al., arXiv 1910.02054).
 */
import type { Communicator, Transfer, TransferData } from "../../core/index.ts";

/** Numbers per bucket (4 MiB): small enough to be summed in the caches while the next one is on its way. */
const BUCKET_NUMBERS = 2 ** 20;

/** What each rank owns, by rank: the same division on every rank. */
export type Parts<T extends TransferData = Float32Array> = readonly (readonly T[])[];

/** All ranks but this one, beginning with the next, so that not everybody talks to rank 0 first. */
function others({ rank, size }: Communicator): number[] {
  return Array.from({ length: size - 1 }, (_, i) => (rank + 1 + i) % size);
}

function bucketsOf(part: readonly Float32Array[]): Float32Array[] {
  return part.flatMap((array) =>
    Array.from({ length: Math.ceil(array.length / BUCKET_NUMBERS) }, (_, i) =>
      array.subarray(i * BUCKET_NUMBERS, (i + 1) * BUCKET_NUMBERS),
    ),
  );
}

/** Adds `source` to `target`, number by number. */
export function addInto(target: Float32Array, source: Float32Array): void {
  for (let i = 0; i < target.length; i++) target[i]! += source[i]!;
}

/** The sum of all ranks' `contributions`, by halves ((0 + 1) + (2 + 3)) …, left in that of `rank`. */
export function sumByHalves(contributions: readonly Float32Array[], rank: number): void {
  const left = [...contributions];
  for (let stride = 1; stride < left.length; stride *= 2) {
    for (let i = 0; i + stride < left.length; i += 2 * stride) {
      const mineIsRight = rank >= i + stride && rank < i + 2 * stride;
      const [target, source] = mineIsRight ? [left[i + stride]!, left[i]!] : [left[i]!, left[i + stride]!];
      addInto(target, source);
      left[i] = target;
    }
  }
}

/** Afterwards the arrays of this rank's part hold the sums over all ranks; those of the other parts are spent. */
export async function reduceScatter(communicator: Communicator, parts: Parts): Promise<void> {
  const { rank, size } = communicator;
  const buckets = parts.map(bucketsOf);
  const own = buckets[rank]!;
  const room = Math.min(BUCKET_NUMBERS, Math.max(0, ...own.map(({ length }) => length)));
  // Two sets: while one bucket is summed, the next is on its way.
  const scratch = [0, 1].map(() => others(communicator).map(() => new Float32Array(room)));
  let before: Promise<void> = Promise.resolve();
  for (let k = 0; k < Math.max(...buckets.map(({ length }) => length)); k++) {
    const bucket = own[k];
    const received = others(communicator).map((from, i) => ({
      rank: from,
      data: scratch[k % 2]![i]!.subarray(0, bucket?.length ?? 0),
    }));
    const outgoing = others(communicator).flatMap((to): Transfer[] => {
      const data = buckets[to]![k];
      return data === undefined ? [] : [{ rank: to, data }];
    });
    const transfer = communicator.exchange(outgoing, bucket === undefined ? [] : received);
    const sum = transfer.then(() => {
      if (bucket === undefined) return;
      const contributions = Array.from(
        { length: size },
        (_, from) => received.find((one) => one.rank === from)?.data ?? bucket,
      );
      sumByHalves(contributions, rank);
    });
    // If the bucket before has failed, this one will too, and it is the first that is told.
    sum.catch(() => undefined);
    await before;
    before = sum;
  }
  await before;
}

/** Afterwards every rank has what each owns. */
export async function allGather<T extends TransferData>(
  communicator: Communicator,
  parts: Parts<T>,
): Promise<void> {
  const mine = parts[communicator.rank]!;
  const outgoing = others(communicator).flatMap((rank) => mine.map((data) => ({ rank, data })));
  const incoming = others(communicator).flatMap((rank) => parts[rank]!.map((data) => ({ rank, data })));
  await communicator.exchange(outgoing, incoming);
}

/** Afterwards rank 0 has what each owns. */
export async function gather<T extends TransferData>(
  communicator: Communicator,
  parts: Parts<T>,
): Promise<void> {
  const transfers = others(communicator).flatMap((rank) => parts[rank]!.map((data) => ({ rank, data })));
  if (communicator.rank === 0) await communicator.exchange([], transfers);
  else {
    await communicator.exchange(
      parts[communicator.rank]!.map((data) => ({ rank: 0, data })),
      [],
    );
  }
}

/** Afterwards each rank has what rank 0 has of its part. */
export async function scatter<T extends TransferData>(
  communicator: Communicator,
  parts: Parts<T>,
): Promise<void> {
  const transfers = others(communicator).flatMap((rank) => parts[rank]!.map((data) => ({ rank, data })));
  if (communicator.rank === 0) await communicator.exchange(transfers, []);
  else {
    await communicator.exchange(
      [],
      parts[communicator.rank]!.map((data) => ({ rank: 0, data })),
    );
  }
}
