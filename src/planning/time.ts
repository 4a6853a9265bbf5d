/** @file Time, energy and how often to write a checkpoint. */
import { assert } from "../core/index.ts";

/** Tokens per second of one device that reaches `utilisation` of its peak on the model's own operations. */
export function tokensPerSecond(
  flopsPerToken: number,
  peakFlopsPerSecond: number,
  utilisation: number,
): number {
  return (peakFlopsPerSecond * utilisation) / flopsPerToken;
}

/** Model FLOPs utilisation (Chowdhery et al. 2022): the model's own operations per second over the peak. */
export function modelFlopsUtilisation(
  flopsPerToken: number,
  tokensPerSecondPerDevice: number,
  peakFlopsPerSecond: number,
): number {
  return (flopsPerToken * tokensPerSecondPerDevice) / peakFlopsPerSecond;
}

/** Watt-hours of `devices` at `watts` each for `days`. */
export function energyWattHours(watts: number, devices: number, days: number): number {
  return watts * devices * days * 24;
}

export interface CheckpointInterval {
  /** Young 1974, first order: √(2·δ·M), in seconds. */
  readonly young: number;
  /** Daly 2006, higher order; equals M when δ ≥ 2·M. In seconds. */
  readonly daly: number;
  /** Share of the time lost to writing and to work done twice, at Young's interval: δ/τ + τ/(2·M). */
  readonly lostShare: number;
}

/** The checkpoint interval that loses least for a pause of `pause` seconds and `meanBetweenFailures` seconds. */
export function checkpointInterval(pause: number, meanBetweenFailures: number): CheckpointInterval {
  assert(pause > 0 && meanBetweenFailures > 0, "checkpoint pause and time between failures are positive");
  const young = Math.sqrt(2 * pause * meanBetweenFailures);
  const ratio = pause / (2 * meanBetweenFailures);
  const daly = ratio < 1 ? young * (1 + Math.sqrt(ratio) / 3 + ratio / 9) - pause : meanBetweenFailures;
  return { young, daly, lostShare: pause / young + young / (2 * meanBetweenFailures) };
}
