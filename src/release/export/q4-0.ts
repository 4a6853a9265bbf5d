/**
 * @file Q4_0, llama.cpp's plain 4-bit format: blocks of 32 numbers as one float16 scale d and 32 values q of 4 bits, each
 * number being d·(q − 8); byte i holds number i in its lower half and number i + 16 in its upper. Source: ggml
 * `quantize_row_q4_0_ref`; the arithmetic is float32 step by step, as there.
 */
import { float32ToFloat16Bits } from "../../artifacts/index.ts";
import { assert } from "../../core/index.ts";

/** Numbers per block. */
export const Q4_0_BLOCK = 32;
/** Bytes per block: a float16 and 16 bytes. */
export const Q4_0_BLOCK_BYTES = 18;

/** `values` as Q4_0 blocks; the length must be a multiple of 32. */
export function quantizeQ4_0(values: Float32Array): Uint8Array {
  assert(values.length % Q4_0_BLOCK === 0, "Q4_0 needs rows of a multiple of 32 numbers");
  const out = new Uint8Array((values.length / Q4_0_BLOCK) * Q4_0_BLOCK_BYTES);
  let at = 0;
  for (let start = 0; start < values.length; start += Q4_0_BLOCK) {
    // The first of the numbers farthest from zero, with its sign: it becomes −8 exactly.
    let extreme = 0;
    for (let i = start; i < start + Q4_0_BLOCK; i++) {
      if (Math.abs(values[i]!) > Math.abs(extreme)) extreme = values[i]!;
    }
    const scale = Math.fround(extreme / -8);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    const bits = float32ToFloat16Bits(scale);
    out[at++] = bits & 0xff;
    out[at++] = bits >>> 8;
    for (let i = start; i < start + Q4_0_BLOCK / 2; i++) {
      // `| 0` cuts toward zero, as the conversion to an integer does in C.
      const low = Math.fround(Math.fround(values[i]! * inverse) + 8.5) | 0;
      const high = Math.fround(Math.fround(values[i + Q4_0_BLOCK / 2]! * inverse) + 8.5) | 0;
      out[at++] = (low > 15 ? 15 : low) | ((high > 15 ? 15 : high) << 4);
    }
  }
  return out;
}
