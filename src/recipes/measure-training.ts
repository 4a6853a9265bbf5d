/** @file How long the recipe's own training step takes on this machine: a few real steps on random tokens. */
import { randomStream } from "../core/index.ts";
import { initialWeights, type ModelConfig } from "../model/index.ts";
import {
  type FinetuneConfig,
  lanesOf,
  makeBatch,
  microBatchOf,
  packStream,
  Trainer,
} from "../train/index.ts";

/** The first steps pay for memory that the later ones use again. */
const WARM_UP = 2;
const MEASURED = 3;

/** Seconds of one training step (the best of a few) with `threads` threads. Takes a handful of steps. */
export async function measureTrainingStep(
  model: ModelConfig,
  step: {
    readonly batch: number;
    readonly length: number;
    readonly microBatch?: number | undefined;
    readonly lossChunkRows: number;
    readonly optimizer: FinetuneConfig["optimizer"];
    readonly device: FinetuneConfig["device"];
  },
  threads: number,
): Promise<number> {
  const tokens = 2 * step.batch * step.length + 1;
  const random = randomStream(0, "measure");
  const documents = {
    ids: Int32Array.from({ length: tokens }, () => random.integer(model.vocabSize)),
    offsets: [0, tokens],
    names: ["random"],
  };
  const packing = packStream(documents, Uint16Array.of(1), step.length, 0);
  const microBatch = microBatchOf(step);
  const trainer = await Trainer.create(
    model,
    step.optimizer,
    { ...step, microBatch },
    initialWeights(model, 0),
    {
      threads,
      lanes: step.device === "cpu" ? lanesOf(step.batch / microBatch, threads) : 1,
      where: "measurement",
      device: step.device,
    },
  );
  const config = { length: step.length, padId: model.padId, goldfish: null };
  let best = Number.POSITIVE_INFINITY;
  try {
    for (let i = 1; i <= WARM_UP + MEASURED; i++) {
      const started = performance.now();
      const batch = makeBatch(documents, packing, config, {
        first: (i - 1) * step.batch,
        batch: step.batch,
      });
      await trainer.gradients(batch);
      await trainer.update(i, 1e-4);
      if (i > WARM_UP) best = Math.min(best, (performance.now() - started) / 1000);
    }
  } finally {
    await trainer.close();
  }
  return best;
}
