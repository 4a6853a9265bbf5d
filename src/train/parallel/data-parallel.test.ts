import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Communicator, randomStream } from "../../core/index.ts";
import { initialWeights } from "../../model/index.ts";
import { type Batch, makeBatch } from "../batch.ts";
import { OptimizerConfig } from "../optimizers/create-optimizer.ts";
import { packStream, type Packing, type TokenDocuments } from "../packing.ts";
import { Trainer } from "../trainer.ts";
import { reduceScatter, sumByHalves } from "./collectives.ts";
import { sendCommand } from "./command.ts";
import { joinTraining } from "./join-training.ts";
import { assignOwners, rankMicroBatch } from "./ownership.ts";
import { ranksInOneProcess } from "./ranks.test-communicator.ts";
import { SMALLEST_MODEL } from "../tiny-run.test-run.ts";

const model = SMALLEST_MODEL;
const optimizer = OptimizerConfig.parse({ clipNorm: 1, warmupSteps: 10 });
const BATCH = 8;

function corpus(): { documents: TokenDocuments; packing: Packing } {
  const random = randomStream(5, "ranks");
  const ids = Int32Array.from({ length: 900 }, () => random.integer(model.vocabSize));
  const documents = { ids, offsets: [0, 13, 40, 41, 150, 900], names: ["a", "b", "c", "d", "e"] };
  return { documents, packing: packStream(documents, Uint16Array.of(1, 1, 1, 1, 1), 16, 1) };
}

function batchOf(step: number): Batch {
  const { documents, packing } = corpus();
  const settings = { length: 16, padId: 0, goldfish: { k: 4, window: 2, hash: "murmur3" as const } };
  return makeBatch(documents, packing, settings, { first: (step - 1) * BATCH, batch: BATCH });
}

/** What runs on rank 0, with `size` − 1 others serving it. */
async function withRanks<T>(size: number, lead: (communicator: Communicator) => Promise<T>): Promise<T> {
  const [first, ...rest] = ranksInOneProcess(size);
  const others = rest.map((communicator) => joinTraining(communicator, 1));
  const result = await lead(first!);
  await sendCommand(first!, { kind: "leave" });
  await Promise.all(others);
  return result;
}

interface Outcome {
  readonly losses: number[];
  readonly norms: number[];
  readonly labels: Float32Array;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly state: ReadonlyMap<string, Float32Array>;
}

interface Start {
  readonly step: number;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly state?: ReadonlyMap<string, Float32Array>;
}

const FRESH: Start = { step: 1, weights: initialWeights(model, 2) };

/** Trains until step `last` on `ranks` ranks. */
function train(ranks: number, microBatch: number, last: number, from: Start = FRESH): Promise<Outcome> {
  return withRanks(ranks, async (communicator) => {
    const shape = {
      length: 16,
      microBatch: rankMicroBatch(BATCH, microBatch, ranks),
      lossChunkRows: 32,
    };
    const options = {
      threads: 1,
      where: "test",
      communicator,
      ...(from.state === undefined ? {} : { state: from.state }),
    };
    const trainer = await Trainer.create(model, optimizer, shape, from.weights, options);
    const [losses, norms]: number[][] = [[], []];
    let labels = new Float32Array();
    for (let step = from.step; step <= last; step++) {
      const result = await trainer.gradients(batchOf(step));
      losses!.push(result.loss);
      norms!.push(result.gradientNorm);
      labels = result.negativeLogLikelihood.slice();
      await trainer.update(step, 1e-2);
    }
    const copy = (tensors: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> =>
      new Map([...tensors].map(([name, data]) => [name, data.slice()]));
    const outcome = {
      losses: losses!,
      norms: norms!,
      labels,
      weights: copy(await trainer.weights()),
      state: copy(await trainer.state()),
    };
    await trainer.close();
    return outcome;
  });
}

describe("data parallel training", () => {
  it("has the same bits on 1, 2 and 4 ranks when the micro-batches divide evenly", async () => {
    for (const microBatch of [1, 2]) {
      const alone = await train(1, microBatch, 3);
      for (const ranks of [2, 4]) expect(await train(ranks, microBatch, 3)).toEqual(alone);
    }
  });

  it("agrees within fp32 summation error when a rank must use smaller micro-batches", async () => {
    const alone = await train(1, 8, 4);
    const apart = await train(4, 8, 4);
    // Sums of some 128 terms in another order: relative errors of a few times 6e-8, growing with each step.
    alone.losses.forEach((loss, i) => expect(Math.abs(apart.losses[i]! / loss - 1)).toBeLessThan(1e-5));
    alone.norms.forEach((norm, i) => expect(Math.abs(apart.norms[i]! / norm - 1)).toBeLessThan(1e-5));
  });

  it("goes on with other ranks from the state of one, to the same bits", async () => {
    const whole = await train(1, 2, 4);
    for (const [first, second] of [
      [1, 2],
      [4, 1],
    ] as const) {
      const { weights, state } = await train(first, 2, 2);
      const rest = await train(second, 2, 4, { step: 3, weights, state });
      expect(rest.weights).toEqual(whole.weights);
      expect(rest.state).toEqual(whole.state);
    }
  });

  it("serves one model after the other, as pretraining and fine-tuning do", async () => {
    const alone = await train(1, 2, 1);
    const twice = await withRanks(2, async (communicator) => {
      const losses: number[] = [];
      for (const _ of [1, 2]) {
        const shape = { length: 16, microBatch: 2, lossChunkRows: 32 };
        const options = { threads: 1, where: "test", communicator };
        const trainer = await Trainer.create(model, optimizer, shape, FRESH.weights, options);
        losses.push((await trainer.gradients(batchOf(1))).loss);
        await trainer.close();
      }
      return losses;
    });
    expect(twice).toEqual([alone.losses[0], alone.losses[0]]);
  });
});

describe("sums over ranks", () => {
  it("are made by halves, in the place of any rank, with the same bits", () => {
    const parts = [1e8, 1, -1e8, 1].map((value) => Float32Array.of(value, value / 3));
    const byHalves = parts[0]!.map((_, i) =>
      Math.fround(Math.fround(parts[0]![i]! + parts[1]![i]!) + Math.fround(parts[2]![i]! + parts[3]![i]!)),
    );
    for (const rank of [0, 1, 2, 3]) {
      const copies = parts.map((part) => part.slice());
      sumByHalves(copies, rank);
      expect(copies[rank]).toEqual(byHalves);
    }
  });

  it("reach the owner of each part, whatever the sizes", async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), sizes, async (size, lengths) => {
        const owners = assignOwners(lengths, size);
        const ranks = ranksInOneProcess(size);
        const arrays = ranks.map(({ rank }) =>
          lengths.map((n, i) => new Float32Array(n).fill(rank + 10 * i)),
        );
        const partsOf = (own: Float32Array[]): Float32Array[][] =>
          ranks.map(({ rank }) => own.filter((_, i) => owners[i] === rank));
        await Promise.all(ranks.map((rank, i) => reduceScatter(rank, partsOf(arrays[i]!))));
        lengths.forEach((n, i) => {
          const sum = (size * (size - 1)) / 2 + 10 * i * size;
          expect(arrays[owners[i]!]![i]).toEqual(new Float32Array(n).fill(sum));
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe("shares", () => {
  it("of the parameters are balanced: no rank has more than the mean and one parameter", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 8 }),
        (sizes, ranks) => {
          const owners = assignOwners(sizes, ranks);
          const loads = Array.from({ length: ranks }, (_, rank) =>
            sizes.reduce((sum, size, i) => sum + (owners[i] === rank ? size : 0), 0),
          );
          const total = sizes.reduce((a, b) => a + b, 0);
          expect(Math.max(...loads)).toBeLessThanOrEqual(total / ranks + Math.max(...sizes));
        },
      ),
    );
  });

  it("of the batch keep the micro-batch where it divides, and make it smaller where it does not", () => {
    expect(rankMicroBatch(16, 8, 2)).toBe(8);
    expect(rankMicroBatch(16, 2, 4)).toBe(2);
    expect(rankMicroBatch(4, 4, 2)).toBe(2);
    expect(rankMicroBatch(12, 6, 3)).toBe(4);
    expect(() => rankMicroBatch(4, 4, 3)).toThrow("TRAIN_RANKS");
  });
});
