/** @file `firn/pipeline`: stages, plan, run, workers. */
export * from "./stage.ts";
