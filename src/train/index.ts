/** @file `firn/train`: packing, goldfish, AdEMAMix, schedules, the training step and the loop around it. */
export { type Batch, type BatchConfig, type LabelCounts, makeBatch } from "./batch.ts";
export { FinetuneConfig, OptimizerConfig, ScheduleConfig, TrainConfig } from "./config.ts";
export { goldfishMask, goldfishTable } from "./goldfish.ts";
export { type AdEMAMixConfig, ademamixScalars, beta3At } from "./optimizer.ts";
export { type Packing, packStream, packWhole, type Piece, type TokenDocuments } from "./packing.ts";
export { runTraining, type TrainingRun } from "./run-training.ts";
export { learningRateAt } from "./schedule.ts";
export { buildStepGraph, type StepShape } from "./step-graph.ts";
export { type StepResult, Trainer } from "./trainer.ts";
export { readTensors, readWeights, writeWeights } from "./weights-folder.ts";
