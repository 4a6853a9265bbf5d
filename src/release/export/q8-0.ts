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

/** Half away from zero, as C's `roundf`. */
function roundf(value: number): number {
  return value < 0 ? -Math.floor(-value + 0.5) : Math.floor(value + 0.5);
}

/** `values` as Q8_0 blocks; the length must be a multiple of 32. */
export function quantizeQ8_0(values: Float32Array): Uint8Array {
  assert(values.length % Q8_0_BLOCK === 0, "Q8_0 needs rows of a multiple of 32 numbers");
  const blocks = values.length / Q8_0_BLOCK;
  const out = new Uint8Array(blocks * Q8_0_BLOCK_BYTES);
  const view = new DataView(out.buffer);
  for (let block = 0; block < blocks; block++) {
    const start = block * Q8_0_BLOCK;
    let largest = 0;
    for (let i = 0; i < Q8_0_BLOCK; i++) largest = Math.max(largest, Math.abs(values[start + i]!));
    const scale = Math.fround(largest / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    const at = block * Q8_0_BLOCK_BYTES;
    view.setUint16(at, float32ToFloat16Bits(scale), true);
    for (let i = 0; i < Q8_0_BLOCK; i++) {
      view.setInt8(at + 2 + i, roundf(Math.fround(values[start + i]! * inverse)));
    }
  }
  return out;
}
