/** @file A tensor in an accelerator's memory. A run that writes it leaves a new block there, and the old one is let go. */
import type { DataType } from "../graph/index.ts";
import { OnnxRuntime, type Pointer } from "./onnx-runtime.ts";

export class DeviceTensor {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  #value: Pointer | undefined;

  /** Has no numbers until a run has written it. */
  constructor(dtype: DataType, shape: readonly number[]) {
    this.dtype = dtype;
    this.shape = shape;
  }

  /** ONNX Runtime's value; undefined before the first run that writes it. */
  get value(): Pointer | undefined {
    return this.#value;
  }

  /** Takes over what a run has written. */
  take(value: Pointer): void {
    this.release();
    this.#value = value;
  }

  /** Frees the memory. Must come before the program that has written it is closed: the memory is that program's. */
  release(): void {
    if (this.#value !== undefined) OnnxRuntime.load().release("releaseValue", this.#value);
    this.#value = undefined;
  }
}
