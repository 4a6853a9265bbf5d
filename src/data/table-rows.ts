/** @file Rows of a table that a recipe names beside its sources (evaluation sets, labelled text): JSON Lines or Parquet. */
import { readJsonl, readParquetRows } from "../artifacts/index.ts";
import { FirnError } from "../core/index.ts";

export interface TableRow {
  /** Line or row, counted from 1. */
  readonly row: number;
  readonly values: ReadonlyMap<string, unknown>;
}

/** Endings of the files that `tableRows` reads. */
export const TABLE_FILE = /\.(?:jsonl|ndjson)(?:\.(?:gz|zst))?$|\.parquet$/i;

/**
 * The rows of a file. Nothing is decided on half a table: a broken line stops the reading.
 *
 * @throws FirnError `DATA_TABLE_BROKEN`; those of `readParquetRows`
 */
export async function* tableRows(path: string): AsyncGenerator<TableRow, void, undefined> {
  if (/\.parquet$/i.test(path)) {
    let row = 0;
    for await (const batch of readParquetRows(path)) {
      for (const values of batch) yield { row: ++row, values: new Map(Object.entries(values)) };
    }
    return;
  }
  for await (const batch of readJsonl(path)) {
    for (const item of batch) {
      const { line } = item;
      if ("value" in item && typeof item.value === "object" && item.value !== null) {
        yield { row: line, values: new Map(Object.entries(item.value)) };
        continue;
      }
      throw new FirnError("DATA_TABLE_BROKEN", {
        expected: "one JSON object a line",
        got: "value" in item ? "another value" : `${item.reason}: ${item.detail}`,
        where: `${path}, line ${line}`,
        next: "Correct or remove the line.",
      });
    }
  }
}

/** The text of the named fields, one under the other; lists of texts (answers to choose from) included. */
export function fieldText(values: TableRow["values"], fields: readonly string[]): string {
  const texts = fields.flatMap((field) => {
    const value = values.get(field);
    return (Array.isArray(value) ? (value as unknown[]) : [value]).filter((item) => typeof item === "string");
  });
  return texts.join("\n");
}
