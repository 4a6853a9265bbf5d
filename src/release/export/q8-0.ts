/**
 * @file Q8_0, llama.cpp's 8-bit format: blocks of 32 numbers as one float16 scale d and 32 signed bytes q, each
 * number being d·q. Source: ggml `quantize_row_q8_0_ref`; the arithmetic is float32 step by step, as there.
 */
import { float32ToFloat16Bits } from "../../artifacts/index.ts";
import { assert } from "../../core/index.ts";

/** Numbers per block. */
export const Q8_0_BLOCK = 32;
/** Bytes per block: a float16 and 32 bytes. */
export const Q8_0_BLOCK_BYTES = 34;

/** `values` as Q8_0 blocks; the length must be a multiple of 32. */
export function quantizeQ8_0(values: Float32Array): Uint8Array {
  assert(values.length % Q8_0_BLOCK === 0, "Q8_0 needs rows of a multiple of 32 numbers");
  const out = new Uint8Array((values.length / Q8_0_BLOCK) * Q8_0_BLOCK_BYTES);
  let at = 0;
  for (let start = 0; start < values.length; start += Q8_0_BLOCK) {
    const end = start + Q8_0_BLOCK;
    let largest = 0;
    for (let i = start; i < end; i++) largest = Math.max(largest, Math.abs(values[i]!));
    const scale = Math.fround(largest / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    const bits = float32ToFloat16Bits(scale);
    out[at++] = bits & 0xff;
    out[at++] = bits >>> 8;
    for (let i = start; i < end; i++) {
      const x = Math.fround(values[i]! * inverse);
      // Half away from zero, as C's `roundf`; the sum is exact, and `| 0` cuts toward zero.
      out[at++] = (x < 0 ? x - 0.5 : x + 0.5) | 0;
    }
  }
  return out;
}
