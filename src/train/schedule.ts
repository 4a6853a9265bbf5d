/** @file Learning rate over a run: warm-up, stable, decay (WSD) as Apertus trains (technical report §2.3). */

export interface ScheduleConfig {
  readonly peak: number;
  /** Where the cooldown ends. Apertus: a tenth of the peak. */
  readonly final: number;
  readonly warmupSteps: number;
  /** Share of all steps, at the end, over which the rate goes down as 1 − √t. Apertus: 0.11. */
  readonly cooldownShare: number;
}

/** The learning rate of `step` (counted from 1) of `steps`: linear up, flat, then final + (peak − final)·(1 − √t). */
export function learningRateAt(config: ScheduleConfig, step: number, steps: number): number {
  const { peak, final, warmupSteps, cooldownShare } = config;
  if (step <= warmupSteps) return (peak * step) / warmupSteps;
  const cooldown = Math.round(steps * cooldownShare);
  const into = step - (steps - cooldown);
  if (into <= 0) return peak;
  return final + (peak - final) * (1 - Math.sqrt(into / cooldown));
}
