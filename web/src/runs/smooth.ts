/** @file Smoothing of noisy curves. */

/** An exponential moving average over about `span` steps, without the bias of its start; gaps stay gaps. */
export function smooth(values: readonly (number | null)[], span: number): (number | null)[] {
  const keep = 1 - 1 / Math.max(1, span);
  let mean = 0;
  let weight = 0;
  return values.map((value) => {
    if (value === null) return null;
    mean = keep * mean + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
    return mean / weight;
  });
}
