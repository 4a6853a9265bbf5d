/** @file JSON Lines: one document per line, broken lines named. */
import { readJsonl } from "../../artifacts/index.ts";
import { type FieldNames, pieceFromRow } from "./fields.ts";
import { type FileReader, fileStart, type FoundPiece } from "./reader.ts";

/** Place `n` is line n, unless a field gives the id. */
export function jsonlReader(fields: FieldNames): FileReader {
  return async function* (file, place = fileStart()) {
    const at = { offset: place.offset, line: place.items };
    for await (const batch of readJsonl(file.path, { place: at })) {
      place.offset = at.offset;
      place.items = at.line;
      yield batch.map((item): FoundPiece => {
        const place = String(item.line);
        if ("value" in item) return pieceFromRow(item.value, fields, place);
        return { place, reason: item.reason, detail: item.detail, text: item.start };
      });
    }
  };
}
