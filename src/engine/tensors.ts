/** @file Tensors in this process's memory, and ONNX Runtime's view of them. */
import { assert } from "../core/index.ts";
import { type DataType, sizeOf } from "../graph/index.ts";
import { OnnxRuntime, type Pointer } from "./onnx-runtime.ts";

export type TensorData = Float32Array | Int32Array | BigInt64Array | Uint8Array;

/** A tensor in this process's memory. */
export interface HostTensor {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** A zero-filled tensor. */
export function allocate(dtype: DataType, shape: readonly number[]): HostTensor {
  const size = sizeOf(shape);
  const data =
    dtype === "float32"
      ? new Float32Array(size)
      : dtype === "int32"
        ? new Int32Array(size)
        : dtype === "int64"
          ? new BigInt64Array(size)
          : new Uint8Array(size);
  return { dtype, shape, data };
}

/** Wraps `data` without copying it. */
export function float32Tensor(data: Float32Array, shape: readonly number[]): HostTensor {
  return { dtype: "float32", shape, data };
}

/** `ONNXTensorElementDataType`. */
const ELEMENT_TYPE = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;

/** ONNX Runtime's view of a buffer, freed when the tensor is collected. */
const views = new WeakMap<HostTensor, Pointer>();
const released = new FinalizationRegistry<Pointer>((value) =>
  OnnxRuntime.load().release("releaseValue", value),
);

/** The value by which ONNX Runtime reads and writes `tensor`; valid for as long as the tensor is held. */
export function viewOf(runtime: OnnxRuntime, tensor: HostTensor): Pointer {
  const known = views.get(tensor);
  if (known !== undefined) return known;
  const { data, shape, dtype } = tensor;
  // Small typed arrays live in the garbage collector's memory, which moves, until their `buffer` is asked for.
  assert(data.buffer.byteLength >= data.byteLength, "a tensor has its memory");
  const sizes = BigInt64Array.from(shape.length === 0 ? [1] : shape, BigInt);
  const value = runtime.create(
    "createTensorWithData",
    runtime.memory,
    data,
    data.byteLength,
    sizes,
    shape.length,
    ELEMENT_TYPE[dtype],
  );
  views.set(tensor, value);
  released.register(tensor, value);
  return value;
}
