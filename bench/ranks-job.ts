/**
 * @file What `bench/ranks.ts` starts, alone or under mpirun; rank 0 prints one line of JSON. `steps <threads> <seconds>`
 * times training steps on all ranks, `sums` the sum of one step's gradients.
 */
import { type Communicator, soloCommunicator } from "../src/core/index.ts";
import {
  allGather,
  joinRanks,
  launchOf,
  rankMicroBatch,
  reduceScatter,
  withRanks,
} from "../src/train/index.ts";
import { nanoCase, SMALL_CASE, time } from "./train-cases.ts";

export interface StepFigure {
  readonly name: string;
  /** Of the median step. */
  readonly seconds: number;
  readonly tokens: number;
}

export interface SumFigure {
  /** Of the array that every rank has before and after. */
  readonly bytes: number;
  readonly seconds: number;
}

/** Numbers of the nano and the 8.5M model's gradients. */
const SIZES = [1_250_000, 8_520_000];
const SUMS = 15;
const TIMEOUT_MS = 60_000;

async function timeSum(communicator: Communicator, numbers: number): Promise<SumFigure> {
  const { size } = communicator;
  const gradient = new Float32Array(numbers).fill(1);
  const parts = Array.from({ length: size }, (_, owner) => [
    gradient.subarray((owner * numbers) / size, ((owner + 1) * numbers) / size),
  ]);
  const times: number[] = [];
  for (let i = 0; i < SUMS; i++) {
    const start = performance.now();
    await reduceScatter(communicator, parts);
    await allGather(communicator, parts);
    times.push((performance.now() - start) / 1000);
  }
  return { bytes: gradient.byteLength, seconds: times.sort((a, b) => a - b)[times.length >> 1]! };
}

async function timeSteps(
  communicator: Communicator,
  threads: number,
  seconds: number,
): Promise<StepFigure[]> {
  const steps: StepFigure[] = [];
  for (const item of [await nanoCase(), SMALL_CASE]) {
    const { batch, microBatch, length } = item.shape;
    const shape = { ...item.shape, microBatch: rankMicroBatch(batch, microBatch, communicator.size) };
    const { medianSeconds } = await time({ ...item, shape }, threads, seconds, { communicator });
    steps.push({ name: item.name, seconds: medianSeconds, tokens: batch * length });
  }
  return steps;
}

const [what, ...numbers] = process.argv.slice(2);
const [threads = 1, seconds = 1] = numbers.map(Number);
const launch = launchOf(process.env);
const print = (figures: readonly (StepFigure | SumFigure)[]): void => console.log(JSON.stringify(figures));

if (launch === undefined) {
  print(await timeSteps(soloCommunicator, threads, seconds));
} else if (what === "steps") {
  const options = { launch, threads, timeoutMs: TIMEOUT_MS };
  await withRanks(options, async (communicator) => print(await timeSteps(communicator, threads, seconds)));
} else {
  const communicator = joinRanks({ launch, timeoutMs: TIMEOUT_MS });
  const sums: SumFigure[] = [];
  for (const size of SIZES) sums.push(await timeSum(communicator, size));
  if (communicator.rank === 0) print(sums);
  communicator.leave();
}
