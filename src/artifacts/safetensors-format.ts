/**
 * @file Safetensors, the file format of Hugging Face weights: an 8-byte little-endian header length, a JSON header
 * padded with spaces to a multiple of 8 (name → dtype, shape, byte range), then the tensors' bytes without gaps.
 * Source: huggingface/safetensors, README "Format" and `safetensors/src/tensor.rs` (order of tensors, checks).
 */

/** Bytes of a number by its dtype; tensors of other dtypes may stand in a file as long as nobody asks for them. */
export const ELEMENT_BYTES = { I64: 8, F32: 4, F16: 2, BF16: 2 } as const;
export type SafetensorsDtype = keyof typeof ELEMENT_BYTES;

/** The name of the only file of weights in a folder. */
export const WEIGHTS_FILE = "model.safetensors";
/** In a folder of several files: which tensor lies in which. */
export const WEIGHTS_INDEX_FILE = "model.safetensors.index.json";

/** Where a tensor lies; `begin` and `end` are byte offsets in the file. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export const elementCount = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);
