/** @file How a run's steps are computed on this machine: what goes through the model at once, in how many lanes, and the memory. */
import { soloCommunicator, type Work } from "../core/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { commonBatch, type FinetuneConfig, microBatchOf } from "./config.ts";
import { lanesOf, type StepShape } from "./gradient-sum.ts";
import { rankMicroBatch } from "./parallel/ownership.ts";
import { availableMemory, predictMemory, type TrainingMemory } from "./predict-memory.ts";

export interface StepPlan {
  readonly shape: StepShape;
  /** Micro-batches that go through the model at once; changes speed and memory, never results. */
  readonly lanes: number;
  readonly memory: TrainingMemory;
}

/**
 * As many lanes as the threads and every batch of the run allow and as fit into `available` bytes; one on an accelerator, and
 * one on each of several ranks, which are lanes themselves.
 *
 * @throws FirnError `TRAIN_MICRO_BATCH`, `TRAIN_RANKS`
 */
export function planSteps(
  model: ModelConfig,
  config: FinetuneConfig,
  { communicator = soloCommunicator, threads }: Pick<Work, "communicator" | "threads">,
  available = availableMemory(),
): StepPlan {
  const ranks = communicator.size;
  const batch = commonBatch(config);
  const shape = {
    length: config.length,
    microBatch: rankMicroBatch(batch, microBatchOf(config), ranks),
    lossChunkRows: config.lossChunkRows,
  };
  const largest = Math.max(config.batch, ...config.batchGrowth.map((growth) => growth.batch));
  const microBatches = largest / shape.microBatch / ranks;
  const plan = (lanes: number): StepPlan => ({
    shape,
    lanes,
    memory: predictMemory(model, config.optimizer, shape, { microBatches, ranks, lanes }),
  });
  let found = plan(ranks === 1 && config.device === "cpu" ? lanesOf(batch / shape.microBatch, threads) : 1);
  while (found.lanes > 1 && found.memory.total > available) found = plan(found.lanes / 2);
  return found;
}
