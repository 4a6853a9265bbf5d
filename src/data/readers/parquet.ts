/** @file Parquet tables: one document per row; a broken row group is named and the ones around it are kept. */
import { readParquetInfo, readParquetRows } from "../../artifacts/index.ts";
import { FirnError } from "../../core/index.ts";
import { type FieldNames, pieceFromRow } from "./fields.ts";
import type { FileReader } from "./reader.ts";

const BATCH_ROWS = 512;

/**
 * Place `n` is row n, counted from 1, unless a column gives the id.
 *
 * @throws FirnError `DATA_PARQUET_COLUMN` when a named column does not exist
 */
export function parquetReader(names: FieldNames): FileReader {
  const columns = Object.values(names).filter((name) => name !== undefined);
  return async function* (file) {
    let groups: readonly number[];
    try {
      groups = (await readParquetInfo(file.path)).rowGroups;
    } catch (error) {
      if (!(error instanceof FirnError) || error.code !== "DATA_PARQUET_BROKEN") throw error;
      yield [{ place: "0", reason: "file-broken", detail: error.parts.got, text: "" }];
      return;
    }
    let first = 1;
    for (const [group, rows] of groups.entries()) {
      try {
        for await (const batch of readParquetRows(file.path, { columns, fromRowGroup: group })) {
          for (let i = 0; i < batch.length; i += BATCH_ROWS) {
            const part = batch.slice(i, i + BATCH_ROWS);
            yield part.map((row, j) => pieceFromRow(row, names, String(first + i + j)));
          }
          break;
        }
      } catch (error) {
        if (!(error instanceof FirnError) || error.code !== "DATA_PARQUET_BROKEN") throw error;
        const detail = `row group ${group} of ${groups.length} with ${rows} rows: ${error.parts.got}`;
        yield [{ place: `row-group-${group}`, reason: "row-group-broken", detail, text: "" }];
      }
      first += rows;
    }
  };
}
