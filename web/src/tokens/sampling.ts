/** @file What sampling makes of a distribution: temperature, then top-k, top-p and min-p, as the server draws. */

export interface Knobs {
  readonly temperature: number;
  /** 0 keeps all. */
  readonly topK: number;
  readonly topP: number;
  /** 0 keeps all. Source: Nguyen et al. 2024, "Min-p sampling". */
  readonly minP: number;
}

/** The model's own distribution. */
export const NEUTRAL: Knobs = { temperature: 1, topK: 0, topP: 1, minP: 0 };

/**
 * Probabilities with which the tokens are drawn, likeliest first; as long as tokens are left.
 *
 * @param logprobs natural-log probabilities of the whole vocabulary, largest first
 */
export function sampledShares(logprobs: Float32Array, knobs: Knobs): Float64Array {
  const { temperature, topK, topP, minP } = knobs;
  if (temperature === 0) return Float64Array.of(1);
  const largest = logprobs[0] ?? 0;
  const count = topK > 0 ? Math.min(topK, logprobs.length) : logprobs.length;
  const weights = Float64Array.from(logprobs.subarray(0, count), (logprob) =>
    Math.exp((logprob - largest) / temperature),
  );
  const total = sum(weights);
  let kept = 0;
  let mass = 0;
  // The likeliest token weighs 1, so min-p compares with it directly.
  while (kept < count && (kept === 0 || (mass < topP * total && weights[kept]! >= minP))) {
    mass += weights[kept]!;
    kept += 1;
  }
  return weights.subarray(0, kept).map((weight) => weight / mass);
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
