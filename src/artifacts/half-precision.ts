/**
 * @file The two 16-bit float formats of model files, converted in bulk. bfloat16 is the upper half of a float32;
 * float16 is IEEE 754 binary16. Every conversion to 16 bits rounds to nearest, ties to even; NaN stays NaN.
 */

const F32 = new Float32Array(1);
const U32 = new Uint32Array(F32.buffer);

/** `values` as bfloat16 bit patterns. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const x = bits[i]!;
    // A NaN whose payload sits in the dropped half must not turn into infinity.
    out[i] = (x & 0x7fffffff) > 0x7f800000 ? (x >>> 16) | 0x40 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** bfloat16 bit patterns as float32; exact. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(bits.length);
  const target = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) target[i] = bits[i]! << 16;
  return out;
}

/** One float32 value as a float16 bit pattern; beyond ±65520 it becomes infinity. */
export function float32ToFloat16Bits(value: number): number {
  F32[0] = value;
  const x = U32[0]!;
  const sign = (x >>> 16) & 0x8000;
  const magnitude = x & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return sign | ((rounded - 0x38000000) >>> 13);
  }
  // Subnormal: the value in units of 2⁻²⁴; the multiplication is exact in float64, so this rounds once.
  F32[0] = value;
  const units = Math.abs(F32[0]) * 16777216;
  const floor = Math.floor(units);
  const rest = units - floor;
  return sign | (floor + (rest > 0.5 || (rest === 0.5 && (floor & 1) === 1) ? 1 : 0));
}

/** `values` as float16 bit patterns. */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = float32ToFloat16Bits(values[i]!);
  return out;
}

/** One float16 bit pattern as a number; exact. */
export function float16BitsToNumber(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** float16 bit patterns as float32; exact. */
export function float16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(bits.length);
  for (let i = 0; i < out.length; i++) out[i] = float16BitsToNumber(bits[i]!);
  return out;
}
