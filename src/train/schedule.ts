/** @file Learning rate over a run: WSD as Apertus trains (technical report §2.3), cosine, constant. */
import { z } from "zod";

const positive = z.number().positive();
const warmupSteps = z.int().min(0).max(100_000_000);

/** Linear warm-up, flat, then a cooldown over the last share of the steps by 1 − √t (Hägele et al., arXiv 2405.18392). */
const Wsd = z.strictObject({
  type: z.literal("wsd").default("wsd"),
  peak: positive,
  /** Where the cooldown ends. Apertus: a tenth of the peak. */
  final: z.number().min(0),
  warmupSteps,
  cooldownShare: z.number().min(0).max(1).default(0.11),
});

/** Linear warm-up, then half a cosine from peak to final (Loshchilov & Hutter, arXiv 1608.03983). */
const Cosine = z.strictObject({
  type: z.literal("cosine"),
  peak: positive,
  final: z.number().min(0),
  warmupSteps,
});

/** Linear warm-up, then flat: what Apertus' long-context stages take (report §2.5). */
const Constant = z.strictObject({ type: z.literal("constant"), peak: positive, warmupSteps });

export const ScheduleConfig = z.discriminatedUnion("type", [Wsd, Cosine, Constant]);
export type ScheduleConfig = z.infer<typeof ScheduleConfig>;

/** The learning rate of `step` (counted from 1) of `steps`. */
export function learningRateAt(config: ScheduleConfig, step: number, steps: number): number {
  const { peak } = config;
  if (step <= config.warmupSteps) return (peak * step) / config.warmupSteps;
  switch (config.type) {
    case "constant":
      return peak;
    case "cosine": {
      const share = (step - config.warmupSteps) / Math.max(1, steps - config.warmupSteps);
      return config.final + (peak - config.final) * 0.5 * (1 + Math.cos(Math.PI * share));
    }
    case "wsd": {
      const cooldown = Math.round(steps * config.cooldownShare);
      const into = step - (steps - cooldown);
      if (into <= 0) return peak;
      return config.final + (peak - config.final) * (1 - Math.sqrt(into / cooldown));
    }
  }
}
