/** @file Parquet tables: one document per row; a broken row group is named and the ones around it are kept. */
import { readParquetInfo, readParquetRows } from "../../artifacts/index.ts";
import { FirnError } from "../../core/index.ts";
import { type FieldNames, pieceFromRow } from "./fields.ts";
import { type FileReader, fileStart } from "./reader.ts";

const BATCH_ROWS = 512;

/**
 * The offset of a place in a file is a row group. Place `n` of a piece is row n, counted from 1, unless a column gives the id.
 *
 * @throws FirnError `DATA_PARQUET_COLUMN` when a named column does not exist
 */
export function parquetReader(names: FieldNames): FileReader {
  const columns = Object.values(names).filter((name) => name !== undefined);
  return async function* (file, place = fileStart()) {
    let groups: readonly number[];
    try {
      groups = (await readParquetInfo(file.path)).rowGroups;
    } catch (error) {
      if (!(error instanceof FirnError) || error.code !== "DATA_PARQUET_BROKEN") throw error;
      if (place.within > 0) return;
      place.within = 1;
      yield [{ place: "0", reason: "file-broken", detail: error.parts.got, text: "" }];
      return;
    }
    for (const [group, rows] of groups.entries()) {
      if (group < place.offset) continue;
      const before = place.items;
      try {
        for await (const batch of readParquetRows(file.path, { columns, fromRowGroup: group })) {
          while (place.within < batch.length) {
            const part = batch.slice(place.within, place.within + BATCH_ROWS);
            const first = before + place.within + 1;
            place.within += part.length;
            yield part.map((row, i) => pieceFromRow(row, names, String(first + i)));
          }
          break;
        }
      } catch (error) {
        if (!(error instanceof FirnError) || error.code !== "DATA_PARQUET_BROKEN") throw error;
        const detail = `row group ${group} of ${groups.length} with ${rows} rows: ${error.parts.got}`;
        Object.assign(place, { offset: group + 1, items: before + rows, within: 0 });
        yield [{ place: `row-group-${group}`, reason: "row-group-broken", detail, text: "" }];
      }
      Object.assign(place, { offset: group + 1, items: before + rows, within: 0 });
    }
  };
}
