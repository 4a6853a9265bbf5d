/** @file `firn/engine`: compiled graphs in ONNX Runtime. */
export { measureMatmulRate } from "./matmul-rate.ts";
export { OnnxRuntime } from "./onnx-runtime.ts";
export {
  allocate,
  float32Tensor,
  type HostTensor,
  Program,
  type ProgramOptions,
  type TensorData,
  type TensorMap,
} from "./program.ts";
