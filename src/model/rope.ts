/**
 * @file Rotary position embedding: the angles. Component i of the first half of a head vector and component i of
 * the second half are rotated together by position × frequency i.
 * Source: Apertus technical report §2.1 and App. B; Megatron-LM `rotary_pos_embedding.py` `_apply_scaling`;
 * Hugging Face `modeling_rope_utils.py` (`rope_type: llama3`).
 */
import type { ModelConfig, RopeScaling } from "./config.ts";

/**
 * By what each frequency is divided under llama3 scaling: 1 for short wavelengths, `factor` for long ones, and a
 * blend between. This is also what llama.cpp reads as `rope_freqs.weight`. Returns headDim / 2 numbers.
 */
export function ropeDivisors(headDim: number, theta: number, scaling: RopeScaling | null): Float64Array {
  return Float64Array.from({ length: headDim / 2 }, (_, i) => {
    if (scaling === null) return 1;
    const { factor, lowFreqFactor, highFreqFactor, originalContext } = scaling;
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / headDim);
    if (wavelength < originalContext / highFreqFactor) return 1;
    if (wavelength > originalContext / lowFreqFactor) return factor;
    const smooth = (originalContext / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

/** Radians per position for each of the headDim / 2 component pairs: θ^(−2i/headDim), scaled. */
export function ropeFrequencies(headDim: number, theta: number, scaling: RopeScaling | null): Float64Array {
  return ropeDivisors(headDim, theta, scaling).map((divisor, i) => theta ** ((-2 * i) / headDim) / divisor);
}

/** cos and sin of position·frequency for positions 0 … length − 1; [length, headDim/2] each, row-major. */
export function rotaryTables(config: ModelConfig, length: number): { cos: Float32Array; sin: Float32Array } {
  const frequencies = ropeFrequencies(config.headDim, config.ropeTheta, config.ropeScaling);
  const half = frequencies.length;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let position = 0; position < length; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * frequencies[i]!;
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
