import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bfloat16ToFloat32,
  float16BitsToNumber,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
  float32ToFloat16Bits,
} from "./half-precision.ts";

const ALL = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

describe("16-bit floats", () => {
  it("keep every bfloat16 and float16 pattern that is not NaN", () => {
    const viaBf = float32ToBfloat16(bfloat16ToFloat32(ALL));
    const viaHalf = float32ToFloat16(float16ToFloat32(ALL));
    const wrong = ALL.filter((bits) => {
      const nanBf = (bits & 0x7fff) > 0x7f80;
      const nanHalf = (bits & 0x7fff) > 0x7c00;
      return (!nanBf && viaBf[bits] !== bits) || (!nanHalf && viaHalf[bits] !== bits);
    });
    expect(wrong.length).toBe(0);
    expect(float32ToBfloat16(Float32Array.of(Number.NaN))[0]! & 0x7fff).toBeGreaterThan(0x7f80);
    expect(float16BitsToNumber(float32ToFloat16Bits(Number.NaN))).toBeNaN();
  });

  it("know the landmarks of float16", () => {
    expect(float32ToFloat16Bits(65504)).toBe(0x7bff);
    expect(float32ToFloat16Bits(65519.996)).toBe(0x7bff);
    expect(float32ToFloat16Bits(65520)).toBe(0x7c00);
    expect(float32ToFloat16Bits(2 ** -24)).toBe(1);
    expect(float32ToFloat16Bits(2 ** -25)).toBe(0);
    expect(float32ToFloat16Bits(-(2 ** -14))).toBe(0x8400);
    expect(float32ToFloat16Bits(1 + 2 ** -11)).toBe(0x3c00);
    expect(float32ToFloat16Bits(1 + 3 * 2 ** -11)).toBe(0x3c02);
  });

  it("round to the nearest representable value", () => {
    const half = float16ToFloat32(ALL).filter(Number.isFinite).sort();
    fc.assert(
      fc.property(fc.float({ min: -60000, max: 60000, noNaN: true }), (value) => {
        const got = float16BitsToNumber(float32ToFloat16Bits(value));
        let low = 0;
        let high = half.length - 1;
        while (high - low > 1) {
          const middle = (low + high) >> 1;
          if (half[middle]! <= value) low = middle;
          else high = middle;
        }
        const best = Math.min(Math.abs(half[low]! - value), Math.abs(half[high]! - value));
        expect(Math.abs(got - value)).toBe(best);
      }),
    );
  });
});
