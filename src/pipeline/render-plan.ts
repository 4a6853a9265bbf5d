/** @file The plan as people read it, before anything is spent. */
import { formatBytes, formatCount, formatDuration, formatTable } from "../core/index.ts";
import { describeChanges } from "./explain-rebuild.ts";
import type { Plan, PlanEntry, PlanState } from "./plan.ts";
import type { StageEstimate } from "./stage.ts";

const STATE_WORDS: Readonly<Record<PlanState, string>> = {
  cached: "cached",
  partial: "goes on",
  missing: "to run",
  unneeded: "not needed",
};

const MEASURES = ["tokens", "bytes", "flops", "seconds"] as const;
type Measure = (typeof MEASURES)[number];

const FORMATS: Readonly<Record<Measure, (value: number) => string>> = {
  tokens: formatCount,
  bytes: formatBytes,
  flops: formatCount,
  seconds: formatDuration,
};

function cells(estimate: StageEstimate): string[] {
  return MEASURES.map((measure) => {
    const value = estimate[measure];
    return value === undefined ? "–" : FORMATS[measure](value);
  });
}

function willRun({ state }: PlanEntry): boolean {
  return state === "missing" || state === "partial";
}

/** What the stages that have to run are expected to take together; a measure nobody knows is left out. */
export function totalEstimate(plan: Plan): StageEstimate {
  const running = plan.entries.filter(willRun);
  return Object.fromEntries(
    MEASURES.flatMap((measure) => {
      const known = running.flatMap(({ estimate }) => estimate[measure] ?? []);
      return known.length === 0 ? [] : [[measure, known.reduce((a, b) => a + b, 0)]];
    }),
  );
}

/**
 * A table with one line per stage in the order of execution (label, what it makes, state, tokens, bytes, FLOPs, time),
 * a total of what has to run, and below it why stages run again and what they noted.
 */
export function renderPlan(plan: Plan): string {
  const running = plan.entries.filter(willRun);
  const rows = plan.entries.map((entry) => [
    entry.labels.join(", "),
    `${entry.stage} → ${entry.kind}`,
    STATE_WORDS[entry.state],
    ...cells(entry.estimate),
  ]);
  const count = `${running.length} of ${plan.entries.length} to run`;
  rows.push(["total", "", count, ...cells(totalEstimate(plan))]);
  const lines = [formatTable(["label", "stage", "state", "tokens", "bytes", "FLOPs", "time"], rows)];
  for (const { labels, rebuild, estimate } of running) {
    if (rebuild !== undefined) lines.push(`${labels[0]} runs again: ${describeChanges(rebuild.changes)}`);
    if (estimate.note !== undefined) lines.push(`${labels[0]}: ${estimate.note}`);
  }
  return lines.join("\n");
}
