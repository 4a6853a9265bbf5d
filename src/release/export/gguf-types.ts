/** @file The number formats of tensors in a GGUF: their codes, block sizes and encoders. Source: ggml `ggml.h`, `ggml-quants.c`. */
import { float32ToBfloat16, float32ToFloat16 } from "../../artifacts/index.ts";
import { FirnError } from "../../core/index.ts";
import { K_BLOCK, K_FORMATS, quantizeK } from "./k-quants.ts";
import { Q4_0_BLOCK, Q4_0_BLOCK_BYTES, quantizeQ4_0 } from "./q4-0.ts";
import { Q8_0_BLOCK, Q8_0_BLOCK_BYTES, quantizeQ8_0 } from "./q8-0.ts";

/** `ggml_type` codes, and numbers and bytes of a block. */
export const GGUF_TYPES = {
  F32: { code: 0, block: 1, blockBytes: 4 },
  F16: { code: 1, block: 1, blockBytes: 2 },
  BF16: { code: 30, block: 1, blockBytes: 2 },
  Q8_0: { code: 8, block: Q8_0_BLOCK, blockBytes: Q8_0_BLOCK_BYTES },
  Q4_0: { code: 2, block: Q4_0_BLOCK, blockBytes: Q4_0_BLOCK_BYTES },
  Q4_K: { code: K_FORMATS.Q4_K.code, block: K_BLOCK, blockBytes: K_FORMATS.Q4_K.bytes },
  Q6_K: { code: K_FORMATS.Q6_K.code, block: K_BLOCK, blockBytes: K_FORMATS.Q6_K.bytes },
} as const;
export type GgufTensorType = keyof typeof GGUF_TYPES;

/** Whether rows of `length` numbers can be stored in this type. */
export function fitsBlocks(type: GgufTensorType, length: number): boolean {
  return length % GGUF_TYPES[type].block === 0;
}

/** A block format has no bits for infinity, and its scale would be one. */
function requireFinite(values: Float32Array, name: string, type: GgufTensorType): void {
  // A plain loop: `every` costs as much as the encoding itself.
  let finite = true;
  for (let i = 0; i < values.length; i++) finite &&= Math.abs(values[i]!) < Number.POSITIVE_INFINITY;
  if (finite) return;
  throw new FirnError("RELEASE_NOT_FINITE", {
    expected: `finite numbers in ${name}, which is to be stored as ${type}`,
    got: "infinite ones or ones that are not a number",
    next: "The weights are broken: check where they come from. f32, f16 and bf16 can store them as they are.",
  });
}

/** `values`, whole rows of the tensor, as the bytes of its type. Throws `RELEASE_NOT_FINITE`, `RELEASE_QUANTISER`. */
export function encodeNumbers(
  {
    name,
    type,
    shape,
  }: { readonly name: string; readonly type: GgufTensorType; readonly shape: readonly number[] },
  values: Float32Array,
): ArrayBufferView {
  switch (type) {
    case "F32":
      return values;
    case "F16":
      return float32ToFloat16(values);
    case "BF16":
      return float32ToBfloat16(values);
    case "Q8_0":
      requireFinite(values, name, type);
      return quantizeQ8_0(values);
    case "Q4_0":
      requireFinite(values, name, type);
      return quantizeQ4_0(values);
    case "Q4_K":
    case "Q6_K":
      requireFinite(values, name, type);
      return quantizeK(type, values, shape.at(-1) ?? 1);
  }
}
