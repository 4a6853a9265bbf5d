/** @file Puts times into a plan whose stages only know their operations. */
import type { Plan, PlanEntry } from "../pipeline/index.ts";

/** The plan with `seconds` for every stage that knows its operations and not its time. */
export function estimateSeconds(plan: Plan, flopsPerSecond: number): Plan {
  const done = new Map<PlanEntry, PlanEntry>();
  const entries = plan.entries.map((entry) => {
    const { flops, seconds } = entry.estimate;
    const timed =
      flops === undefined || seconds !== undefined
        ? entry
        : { ...entry, estimate: { ...entry.estimate, seconds: flops / flopsPerSecond } };
    // Inputs come first, so those of this entry have been seen.
    const inputs = Object.fromEntries(
      Object.entries(entry.inputs).map(([name, input]) => [name, done.get(input) ?? input]),
    );
    const renewed = { ...timed, inputs };
    done.set(entry, renewed);
    return renewed;
  });
  return { entries };
}

/** True if a stage that has to run knows its operations and not its time. */
export function needsRate(plan: Plan): boolean {
  return plan.entries.some(({ estimate }) => estimate.flops !== undefined && estimate.seconds === undefined);
}
