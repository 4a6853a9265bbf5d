/**
 * @file The curves of a run: `metrics.jsonl` and `metrics.parquet` with a row per step, `group-losses.parquet` with a row
 * per block of steps and source or language. While a run goes on, `metrics.jsonl` grows with it.
 */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { ParquetRowsWriter, writeFileAtomic } from "../artifacts/index.ts";
import type { Group } from "./group-losses.ts";
import { type RunRecord, stepsDone } from "./run-record.ts";
import type { Timetable } from "./timetable.ts";

/** One line of `metrics.jsonl`. */
interface StepMetrics {
  readonly step: number;
  /** Tokens of all steps so far. */
  readonly tokens: number;
  readonly loss: number | null;
  readonly bitsPerByte: number | null;
  readonly gradientNorm: number | null;
  readonly learningRate: number;
  /** Why the step did not move the weights. */
  readonly skipped: string | null;
}

function stepMetrics(record: RunRecord, times: Timetable, length: number, from: number): StepMetrics[] {
  const reasons = new Map(record.skips.map(({ step, reason }) => [step, reason]));
  return record.losses.slice(from).map((loss, i) => {
    const step = from + i + 1;
    return {
      step,
      tokens: times.sequencesBefore(step + 1) * length,
      loss,
      bitsPerByte: record.bitsPerByte[step - 1]!,
      gradientNorm: record.norms[step - 1]!,
      learningRate: record.rates[step - 1]!,
      skipped: reasons.get(step) ?? null,
    };
  });
}

const means = ({ nats, labels, bytes }: Group) => ({
  loss: nats / Math.max(1, labels),
  bitsPerByte: bytes === 0 ? null : nats / Math.LN2 / bytes,
  labels,
});

/** The lines of steps `from` + 1 on; a step that ends a block also has the block's losses by source and language. */
function lines(record: RunRecord, times: Timetable, length: number, from: number): string {
  const blocks = new Map(record.groups.blocks.map((block) => [block.step, block.groups]));
  return stepMetrics(record, times, length, from)
    .map((metrics) => {
      const groups = blocks.get(metrics.step);
      const of = (kind: Group["kind"]) =>
        Object.fromEntries(
          groups!.filter((group) => group.kind === kind).map((group) => [group.name, means(group)]),
        );
      const extra = groups === undefined ? {} : { sources: of("source"), languages: of("language") };
      return `${JSON.stringify({ ...metrics, ...extra })}\n`;
    })
    .join("");
}

/** Keeps `metrics.jsonl` up to date while a run goes on. */
export class LiveMetrics {
  readonly #path: string;
  readonly #times: Timetable;
  readonly #length: number;
  #written = 0;

  constructor(dir: string, times: Timetable, length: number) {
    this.#path = join(dir, "metrics.jsonl");
    this.#times = times;
    this.#length = length;
  }

  /** Begins anew with what `record` knows: at the start, after a resume, after going back. */
  async rewrite(record: RunRecord): Promise<void> {
    await writeFileAtomic(this.#path, lines(record, this.#times, this.#length, 0));
    this.#written = stepsDone(record);
  }

  /** Adds the steps that are new. */
  async append(record: RunRecord): Promise<void> {
    await appendFile(this.#path, lines(record, this.#times, this.#length, this.#written));
    this.#written = stepsDone(record);
  }
}

/** Writes the finished run's three files. */
export async function writeMetrics(
  dir: string,
  record: RunRecord,
  times: Timetable,
  length: number,
): Promise<void> {
  await writeFileAtomic(join(dir, "metrics.jsonl"), lines(record, times, length, 0));
  const steps = await ParquetRowsWriter.create(join(dir, "metrics.parquet"), {
    columns: [
      { name: "step", type: "INT32" },
      { name: "tokens", type: "INT64" },
      { name: "loss", type: "DOUBLE", nullable: true },
      { name: "bitsPerByte", type: "DOUBLE", nullable: true },
      { name: "gradientNorm", type: "DOUBLE", nullable: true },
      { name: "learningRate", type: "DOUBLE" },
      { name: "skipped", type: "STRING", nullable: true },
    ],
  });
  await steps.write(stepMetrics(record, times, length, 0).map((row) => ({ ...row })));
  await steps.close();
  const groups = await ParquetRowsWriter.create(join(dir, "group-losses.parquet"), {
    columns: [
      { name: "step", type: "INT32" },
      { name: "kind", type: "STRING" },
      { name: "name", type: "STRING" },
      { name: "labels", type: "INT64" },
      { name: "loss", type: "DOUBLE" },
      { name: "bitsPerByte", type: "DOUBLE", nullable: true },
    ],
  });
  for (const { step, groups: found } of record.groups.blocks)
    await groups.write(found.map((group) => ({ step, kind: group.kind, name: group.name, ...means(group) })));
  await groups.close();
}
