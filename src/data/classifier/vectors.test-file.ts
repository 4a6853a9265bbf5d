/** @file Vector files as other programs write them: here by DuckDB, whose Parquet is its own. */
import { writeFile } from "node:fs/promises";
import { DuckDBInstance } from "@duckdb/node-api";

/** Writes rows of key and vector as Parquet, in row groups of 2,048. */
export async function writeVectorFile(
  path: string,
  rows: readonly { readonly sha256: string | null; readonly vector: readonly (number | null)[] }[],
): Promise<void> {
  const list = (vector: readonly (number | null)[]): string =>
    vector.map((value) => (value === null || Number.isFinite(value) ? String(value) : "nan")).join(", ");
  const lines = rows.map(({ sha256, vector }) => `${sha256 ?? ""}\t[${list(vector)}]`);
  await writeFile(`${path}.tsv`, `${lines.join("\n")}\n`);
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  const table = `read_csv('${path}.tsv', delim = '\t', auto_detect = false, header = false, quote = '', columns = {'sha256': 'VARCHAR', 'vector': 'FLOAT[]'})`;
  await connection.run(
    `COPY (SELECT * FROM ${table}) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 2048, COMPRESSION zstd)`,
  );
  connection.closeSync();
  instance.closeSync();
}
