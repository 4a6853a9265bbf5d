/**
 * @file Data parallel training on one machine: two ranks of one thread beside one rank of two threads (the same cores), and
 * how fast gradients are summed. Needs mpirun.
 */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { formatInteger, formatPercent, formatTable } from "../src/core/index.ts";
import type { StepFigure, SumFigure } from "./ranks-job.ts";

const JOB = [process.execPath, "--import", "tsx", path.join(import.meta.dirname, "ranks-job.ts")];

/** Runs the job, under mpirun if `ranks` is more than one, and reads the line it prints. */
function run<T>(ranks: number, ...words: readonly string[]): T {
  const launcher = ranks === 1 ? [] : ["mpirun", "--bind-to", "none", "-n", String(ranks)];
  const [program, ...rest] = [...launcher, ...JOB, ...words];
  const output = execFileSync(program!, rest, {
    env: { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  }).toString();
  return JSON.parse(output.trim().split("\n").at(-1)!) as T;
}

/** Prints two tables; `seconds` is spent on each model and number of ranks. */
export function benchRanks(threads: number, seconds: number): Promise<void> {
  const ranks = Math.max(2, threads);
  const alone = run<StepFigure[]>(1, "steps", String(ranks), String(seconds));
  const apart = run<StepFigure[]>(ranks, "steps", "1", String(seconds));
  const rows = alone.map(({ name, tokens, seconds: before }, i) => {
    const after = apart[i]!.seconds;
    return [
      name,
      (before * 1000).toFixed(1),
      (after * 1000).toFixed(1),
      formatPercent(after / before - 1),
      formatInteger(tokens / before),
      formatInteger(tokens / after),
    ];
  });
  const heads = [
    `1 × ${ranks}: ms`,
    `${ranks} × 1: ms`,
    "more",
    `1 × ${ranks}: tokens/s`,
    `${ranks} × 1: tokens/s`,
  ];
  console.log(`Steps, ranks × threads\n${formatTable(["model", ...heads], rows)}\n`);
  const sums = run<SumFigure[]>(ranks, "sums").map((sum) => [
    (sum.bytes / 1e6).toFixed(1),
    (sum.seconds * 1000).toFixed(2),
    (sum.bytes / sum.seconds / 1e9).toFixed(2),
  ]);
  console.log(`All-reduce over ${ranks} ranks\n${formatTable(["MB", "ms", "GB/s"], sums)}`);
  return Promise.resolve();
}
