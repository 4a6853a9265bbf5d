/** @file One row of a table (a JSON object, a Parquet row) to a document, by the field names a recipe gives. */
import type { SourceSpec } from "../source-spec.ts";
import type { FoundPiece } from "./reader.ts";

/** Which field holds what. */
export type FieldNames = Extract<SourceSpec["reader"], { type: "jsonl" }>["fields"];

const LONGEST_ID = 200;

function textOf(value: unknown): string | undefined {
  if (typeof value === "string" && value !== "") return value;
  return typeof value === "number" || typeof value === "bigint" ? String(value) : undefined;
}

/** An id from the data, made safe to stand in a document id: no spaces, no controls, bounded. */
function placeOf(value: unknown, position: string): string {
  const id = textOf(value)
    ?.replace(/[\s\u0000-\u001f\u007f]+/g, "_")
    .slice(0, LONGEST_ID);
  return id === undefined || id === "" ? position : id;
}

/** A row as text for the record of rejects; never fails, whatever a Parquet file holds. */
function excerpt(row: unknown): string {
  const text = JSON.stringify(row, (_key, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
  return (text ?? "").slice(0, 400);
}

/** `position` is the row's number in the file: its place when the data has no id. */
export function pieceFromRow(row: unknown, names: FieldNames, position: string): FoundPiece {
  const broken = (detail: string): FoundPiece => ({
    place: position,
    reason: "text-missing",
    detail,
    text: excerpt(row),
  });
  if (typeof row !== "object" || row === null || Array.isArray(row)) return broken("not an object");
  const values = new Map(Object.entries(row));
  const text = values.get(names.text);
  if (typeof text !== "string") return broken(`field "${names.text}" holds no text`);
  const read = (name: string | undefined): string | undefined => {
    const value = name === undefined ? undefined : values.get(name);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const url = read(names.url);
  const language = read(names.language);
  const licence = read(names.licence);
  return {
    place: names.id === undefined ? position : placeOf(values.get(names.id), position),
    text,
    ...(url === undefined ? {} : { url }),
    ...(language === undefined ? {} : { declaredLanguage: language }),
    ...(licence === undefined ? {} : { licence }),
  };
}
