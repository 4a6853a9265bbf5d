/** @file `firn/planning`: what training a model takes: parameters, operations, memory, time, energy, legal lines. */
export { cpuDevice, type Device, DEVICES, findDevice } from "./devices.ts";
export {
  type ForwardFlops,
  forwardFlops,
  sixParameterFlopsPerToken,
  trainingFlopsPerToken,
} from "./flops.ts";
export {
  activationNumbersPerTokenAndLayer,
  kvCacheBytesPerToken,
  optimizerNumbersPerParameter,
  type TrainingMemory,
  trainingMemory,
} from "./memory.ts";
export { countParameters, type ParameterBreakdown } from "./parameters.ts";
export { planTraining, type TrainingPlan } from "./plan.ts";
export { type PlanLine, type PlanSection, planSections, renderPlanReport } from "./report.ts";
export { APERTUS_70B_SETUP, APERTUS_8B_SETUP, parseTrainingSetup, type TrainingSetup } from "./setup.ts";
export {
  type ComputeVerdict,
  computeFromArchitecture,
  computeFromHardware,
  GENERAL_PURPOSE_FLOP,
  judgeTrainingCompute,
  SYSTEMIC_RISK_FLOP,
} from "./thresholds.ts";
export {
  type CheckpointInterval,
  checkpointInterval,
  energyWattHours,
  modelFlopsUtilisation,
  tokensPerSecond,
} from "./time.ts";
