/** @file `firn/engine`: compiled graphs in ONNX Runtime. */
export { DEVICE_NAMES, type DeviceName } from "./device.ts";
export { measureMatmulRate } from "./matmul-rate.ts";
export { OnnxRuntime } from "./onnx-runtime.ts";
export { Program, type ProgramOptions, type Tensor, type TensorMap } from "./program.ts";
export { requireDevice } from "./require-device.ts";
export { ResidentTensor } from "./resident-tensor.ts";
export { allocate, float32Tensor, type HostTensor, type TensorData } from "./tensors.ts";
