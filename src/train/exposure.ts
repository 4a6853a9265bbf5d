/** @file Which step learnt from which document: `exposure.parquet`. Steps that were skipped or undone are not in it. */
import { join } from "node:path";
import { ParquetRowsWriter } from "../artifacts/index.ts";
import type { Packing, TokenDocuments } from "./packing.ts";
import { firstSequence, type RunRecord } from "./run-record.ts";
import type { Timetable } from "./timetable.ts";

/** What a run took from one source. */
export interface SourceUse {
  /** Tokens the source has, and tokens of it that steps took. */
  readonly available: number;
  readonly taken: number;
  /** How often that is the whole source: above 1 it was seen again. */
  readonly epochs: number;
}

/** Writes the table and returns what was taken of each source. */
export async function writeExposure(
  dir: string,
  run: { readonly documents: TokenDocuments; readonly packing: Packing; readonly times: Timetable },
  record: RunRecord,
): Promise<Record<string, SourceUse>> {
  const { documents, packing, times } = run;
  const writer = await ParquetRowsWriter.create(join(dir, "exposure.parquet"), {
    columns: [
      { name: "step", type: "INT32" },
      { name: "row", type: "INT32" },
      { name: "document", type: "STRING" },
      { name: "start", type: "INT64" },
      { name: "length", type: "INT32" },
    ],
  });
  const skipped = new Set(record.skips.map(({ step }) => step));
  const taken = new Map<string, number>();
  for (let step = 1; step <= times.steps; step++) {
    if (skipped.has(step)) continue;
    const first = firstSequence(record, times, step);
    for (let row = 0; row < times.batchAt(step); row++) {
      const pieces = packing.pieces(first + row);
      for (const { document, length } of pieces) {
        const source = documents.sources?.[document];
        if (source !== undefined) taken.set(source, (taken.get(source) ?? 0) + length);
      }
      await writer.write(
        pieces.map(({ document, start, length }) => ({
          step,
          row,
          document: documents.names[document]!,
          start: BigInt(start),
          length,
        })),
      );
    }
  }
  await writer.close();
  return sourceUse(documents, taken);
}

function sourceUse(documents: TokenDocuments, taken: ReadonlyMap<string, number>): Record<string, SourceUse> {
  const available = new Map<string, number>();
  documents.sources?.forEach((source, i) => {
    const tokens = documents.offsets[i + 1]! - documents.offsets[i]!;
    available.set(source, (available.get(source) ?? 0) + tokens);
  });
  return Object.fromEntries(
    [...available]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([source, tokens]) => {
        const used = taken.get(source) ?? 0;
        return [source, { available: tokens, taken: used, epochs: used / Math.max(1, tokens) }];
      }),
  );
}
