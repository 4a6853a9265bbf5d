/** @file `firn/graph`: symbolic tensors, operators with shape rule and gradient, ONNX encoding. */
export { gradients } from "./gradient.ts";
export {
  type Constant,
  type DataType,
  Graph,
  type Node,
  sizeOf,
  type TapeEntry,
  type Value,
} from "./graph.ts";
export { assertInPlace } from "./in-place.ts";
export { encodeOnnx, type ExternalData } from "./onnx.ts";
export {
  type AttentionLayout,
  attention,
  documentBlocks,
  type QueryBlock,
  type Rotation,
  rotary,
} from "./operators/attention.ts";
export { type CrossEntropy, linearCrossEntropy } from "./operators/cross-entropy.ts";
export { embedding, linear, residual, splitColumns } from "./operators/linear.ts";
export { rmsNorm } from "./operators/rms-norm.ts";
export { XIELU_BETA, xielu } from "./operators/xielu.ts";
export { lowerForWebGpu } from "./passes/lower-for-webgpu.ts";
export { inverseRms, plainProduct } from "./passes/plain-operators.ts";
export { type Replacement, rewrite } from "./passes/rewrite.ts";
export * as onnx from "./primitives.ts";
