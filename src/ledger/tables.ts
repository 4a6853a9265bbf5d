/**
 * @file SQL over the Parquet tables that lie beside artifacts, by DuckDB inside this process: no server, no network (its
 * downloads of extensions are switched off), no files of its own.
 */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DuckDBInstance, LIST, listValue, VARCHAR } from "@duckdb/node-api";
import { describeError, FirnError, systemErrorCode } from "../core/index.ts";

/** What a query may be given: numbers, texts, and lists of files (as `filesMatching` makes them). */
export type Parameter = string | number | readonly string[];

/** A row of an answer; 64-bit integers are numbers where that is exact. */
export type Row = Readonly<Record<string, unknown>>;

/** The database for one question. */
export interface Tables {
  /** Runs `sql` with its `$name` parameters bound. */
  query(sql: string, parameters: Readonly<Record<string, Parameter>>): Promise<Row[]>;
}

/** A path as DuckDB's glob reads it literally. */
export function literalPath(path: string): string {
  return path.replace(/[[*?]/g, "[$&]");
}

/** What `literalPath` made its text from. */
export function plainPath(literal: string): string {
  return literal.replace(/\[([[*?])\]/g, "$1");
}

/**
 * The files that `glob` names, sorted, ready to be bound. Only its last part may hold `*`; everything before is taken
 * as it is, so that a store may lie in a folder of any name.
 */
export async function filesMatching(glob: string): Promise<string[]> {
  const dir = dirname(glob);
  const pattern = new RegExp(
    `^${basename(glob)
      .split("*")
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
    "s",
  );
  try {
    const names = await readdir(dir);
    return names
      .filter((name) => pattern.test(name))
      .sort()
      .map((name) => literalPath(join(dir, name)));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ENOTDIR") return [];
    throw error;
  }
}

/** Like `filesMatching`, but none is an error. @throws FirnError `LEDGER_TABLE_MISSING` */
export async function requireFiles(glob: string, what: string): Promise<string[]> {
  const files = await filesMatching(glob);
  if (files.length === 0 || !existsSync(dirname(glob))) {
    throw new FirnError("LEDGER_TABLE_MISSING", {
      expected: what,
      got: "no such file",
      where: glob,
      next: 'Point to a finished artifact ("firn show" lists them), or build it again.',
    });
  }
  return files;
}

/**
 * Opens DuckDB for the time of `ask`; what does not fit into memory goes to `spillDir`, where one is given.
 *
 * @throws FirnError `DATA_PARQUET_BROKEN` naming the file
 */
export async function withTables<T>(
  ask: (tables: Tables) => Promise<T>,
  options: { readonly spillDir?: string } = {},
): Promise<T> {
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
    temp_directory: options.spillDir ?? "",
  });
  const connection = await instance.connect();
  try {
    return await ask({
      async query(sql, parameters) {
        const values = Object.fromEntries(
          Object.entries(parameters).map(([name, value]) => [
            name,
            typeof value === "object" ? listValue(value) : value,
          ]),
        );
        const types = Object.fromEntries(
          Object.entries(parameters).flatMap(([name, value]) =>
            typeof value === "object" ? [[name, LIST(VARCHAR)]] : [],
          ),
        );
        try {
          const reader = await connection.runAndReadAll(sql, values, types);
          return reader.getRowObjectsJS().map(plainRow);
        } catch (error) {
          throw new FirnError("DATA_PARQUET_BROKEN", {
            expected: "readable tables with the columns Firn writes",
            got: describeError(error),
            next: "Check the artifact (firn show), and rebuild it if it was changed.",
            cause: error,
          });
        }
      },
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function plainRow(row: Readonly<Record<string, unknown>>): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value,
    ]),
  );
}
