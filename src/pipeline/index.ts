/** @file `firn/pipeline`: stages, plan, run. */
export { type Change, describeChanges, explainRebuild, type Rebuild } from "./explain-rebuild.ts";
export { type Plan, type PlanEntry, type PlanState, plan } from "./plan.ts";
export { renderPlan, totalEstimate } from "./render-plan.ts";
export { type RunOptions, type RunResult, runPlan } from "./run-plan.ts";
export * from "./stage.ts";
