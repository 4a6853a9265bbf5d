/**
 * @file Which side of the EU AI Act's compute lines a training run falls on. Sources: Regulation (EU) 2024/1689,
 * Art. 51(2); Commission guidelines on the scope of obligations for general-purpose AI providers (18 July 2025),
 * points 17–18 and Annex A. The lines are indications; the definitions in Art. 3 decide.
 */

/** More than this, and able to generate language: indicatively a general-purpose AI model (guidelines, point 17). */
export const GENERAL_PURPOSE_FLOP = 1e23;
/** More than this, cumulatively: presumed to have high-impact capabilities (Art. 51(2)). */
export const SYSTEMIC_RISK_FLOP = 1e25;

export interface ComputeVerdict {
  /** Cumulative training compute in operations. */
  readonly flop: number;
  readonly generalPurpose: boolean;
  readonly systemicRisk: boolean;
  /** One plain sentence for people. */
  readonly sentence: string;
}

/** Compares cumulative training compute of a language model with both lines. */
export function judgeTrainingCompute(flop: number): ComputeVerdict {
  const generalPurpose = flop > GENERAL_PURPOSE_FLOP;
  const systemicRisk = flop > SYSTEMIC_RISK_FLOP;
  const times = (line: number): string => (flop / line).toPrecision(2);
  let sentence: string;
  if (systemicRisk) {
    sentence = `Above 1e25 FLOP (${times(1e25)} times): presumed a general-purpose AI model with systemic risk (Art. 51(2)); the AI Office is to be told within two weeks (Art. 52).`;
  } else if (generalPurpose) {
    sentence = `Above 1e23 FLOP (${times(1e23)} times) and below 1e25 (${times(1e25)} of it): indicatively a general-purpose AI model, not presumed to carry systemic risk.`;
  } else {
    sentence = `Below 1e23 FLOP (${times(1e23)} of it): indicatively not a general-purpose AI model; its papers are voluntary.`;
  }
  return { flop, generalPurpose, systemicRisk, sentence };
}

/** Compute by hardware (guidelines, Annex A): units × seconds × peak operations per second × utilisation. */
export function computeFromHardware(
  units: number,
  seconds: number,
  peakFlopsPerSecond: number,
  utilisation: number,
): number {
  return units * seconds * peakFlopsPerSecond * utilisation;
}

/** Compute by architecture (guidelines, Annex A) for a dense transformer: 6·P·D, repetitions counted in D. */
export function computeFromArchitecture(parameters: number, tokens: number): number {
  return 6 * parameters * tokens;
}
