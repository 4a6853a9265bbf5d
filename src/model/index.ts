/** @file `firn/model`: the Apertus decoder, its configuration and its parameter names. */
export { type CachedGraph, ROTARY_TABLES, scoringGraph, speakingGraph } from "./cached-decoder.ts";
export { checkTensors, type DescribedTensor } from "./check-tensors.ts";
export {
  APERTUS_70B,
  APERTUS_8B,
  type ModelConfig,
  type ParameterSpec,
  parameterCount,
  parameterSpecs,
  type RopeScaling,
} from "./config.ts";
export { decoder, parameterInputs, type TokenInputs, tokenInputs } from "./decoder.ts";
export { fromHfConfig, toHfConfig, toHfGenerationConfig, type WeightsDtype } from "./hf-config.ts";
export {
  type GraphParameter,
  graphParameters,
  initialWeights,
  stackWeights,
  unstackWeights,
  type Weights,
} from "./parameters.ts";
export { readModelConfig } from "./read-model-config.ts";
export { logSoftmax, referenceLogits, XIELU_EPS, xielu } from "./reference.ts";
export { encodeOnnx, type ExternalData, XIELU_BETA } from "../graph/index.ts";
export { ropeDivisors, ropeFrequencies, rotaryTables } from "./rope.ts";
