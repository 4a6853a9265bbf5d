/**
 * @file An index over one training run, for corpora too large to read at every question: documents and exposures
 * sorted by the hash of the document's id, hosts sorted by domain, and the passages of `passage-index.ts`. It holds
 * nothing that the tables do not say and can be made again at any time.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { listFiles, readParquetInfo, readParquetRows, writeJsonAtomic } from "../artifacts/index.ts";
import type { Work } from "../core/index.ts";
import { HOST } from "./hosts.ts";
import { PassageIndexWriter } from "./passage-index.ts";
import type { RunTables } from "./request-effect.ts";
import { filesMatching, plainPath, requireFiles, withTables } from "./tables.ts";

export const INDEX_FILE = "index.json";

const shard = z.object({ path: z.string(), rows: z.int(), kept: z.boolean() });
const indexSchema = z.object({
  format: z.literal(1),
  /** Files of documents in the order of their numbers, those kept first. */
  shards: z.array(shard),
  documents: z.int(),
  textBytes: z.int(),
  entries: z.int(),
});
/** What `index.json` says. */
export type TraceIndex = z.infer<typeof indexSchema> & { readonly dir: string };

/** The 64-bit key of a document's id. */
export const KEY = (column: string): string => `md5_number_lower(${column})`;

/** `www.example.com` → `com.example.www`: names of a domain lie together. */
export const REVERSED = (host: string): string =>
  `array_to_string(list_reverse(string_split(${host}, '.')), '.')`;

/** Rows per row group: DuckDB reads one of them for a look-up by key. */
const ROWS = 20_480;

/** Opens the index in `dir`; undefined where there is none, or one of another format. */
export async function openTraceIndex(dir: string): Promise<TraceIndex | undefined> {
  const path = join(dir, INDEX_FILE);
  if (!existsSync(path)) return undefined;
  const parsed = indexSchema.safeParse(JSON.parse(await readFile(path, "utf8")));
  // An index names files of this machine: of a store that was moved it is as good as none.
  const usable = parsed.success && parsed.data.shards.every((file) => existsSync(file.path));
  return usable ? { ...parsed.data, dir } : undefined;
}

async function sortTables(
  dir: string,
  files: { documents: readonly string[]; rejects: readonly string[]; exposure: readonly string[] },
): Promise<void> {
  const { documents, rejects, exposure } = files;
  const place = (name: string): string => join(dir, name).replaceAll("'", "''");
  const copy = (select: string, name: string): string =>
    `COPY (${select}) TO '${place(name)}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROWS})`;
  await withTables(
    async (tables) => {
      const rows = (from: string): string =>
        `SELECT ${KEY("id")} AS key, filename AS file, CAST(file_row_number AS INTEGER) AS "row"
         FROM read_parquet($${from}, union_by_name = true, filename = true, file_row_number = true)`;
      const both =
        rejects.length === 0 ? rows("documents") : `${rows("documents")} UNION ALL ${rows("rejects")}`;
      const given = rejects.length === 0 ? { documents } : { documents, rejects };
      await tables.query(copy(`SELECT * FROM (${both}) ORDER BY key`, "documents.parquet"), given);
      await tables.query(
        copy(
          `SELECT ${KEY("document")} AS key, step, "row", start, length FROM read_parquet($exposure) ORDER BY key, step, "row", start`,
          "exposure.parquet",
        ),
        { exposure },
      );
      const host = REVERSED(HOST);
      await tables.query(
        `CREATE TEMP TABLE hosted AS SELECT ${KEY("id")} AS key, ${host} AS host, source, licence,
           regexp_extract(filename, '([^/\\\\]*)-[0-9]+[.]parquet$', 1) AS split, bytes
         FROM read_parquet($documents, union_by_name = true, filename = true) WHERE url IS NOT NULL`,
        { documents },
      );
      await tables.query(
        copy(
          `SELECT host, source, licence, split, count(*) AS documents, CAST(sum(bytes) AS BIGINT) AS bytes
           FROM hosted GROUP BY ALL ORDER BY ALL`,
          "hosts.parquet",
        ),
        {},
      );
      const exposed = `read_parquet('${place("exposure.parquet")}') e JOIN hosted ON hosted.key = e.key`;
      await tables.query(
        copy(
          `SELECT host, step, count(DISTINCT e.key) AS documents, CAST(sum(length) AS BIGINT) AS tokens
           FROM ${exposed} GROUP BY ALL ORDER BY host, step`,
          "host-steps.parquet",
        ),
        {},
      );
      await tables.query(
        copy(
          `SELECT host, count(DISTINCT e.key) AS documents FROM ${exposed} GROUP BY host ORDER BY host`,
          "host-seen.parquet",
        ),
        {},
      );
      if (rejects.length > 0) {
        await tables.query(
          copy(
            `SELECT ${host} AS host, source, step, reason, count(*) AS documents
             FROM read_parquet($rejects, union_by_name = true) WHERE url IS NOT NULL GROUP BY ALL ORDER BY ALL`,
            "host-dropped.parquet",
          ),
          { rejects },
        );
      }
    },
    { spillDir: dir },
  );
}

/**
 * Builds the index of one run into `dir` (replacing what is there); `index.json` comes last.
 *
 * @throws FirnError `LEDGER_TABLE_MISSING`, `DISK_…`
 */
export async function buildTraceIndex(
  run: RunTables,
  dir: string,
  work: Pick<Work, "report" | "signal">,
): Promise<TraceIndex> {
  const documents = await requireFiles(run.documentsGlob, "tables of documents");
  const exposure = await requireFiles(
    run.exposureParquet,
    "the table of what training saw (exposure.parquet)",
  );
  const rejects = await filesMatching(run.rejectsGlob);
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  await sortTables(dir, { documents, rejects, exposure });
  const files = [
    ...documents.map((path) => ({ path: plainPath(path), kept: true })),
    ...rejects.map((path) => ({ path: plainPath(path), kept: false })),
  ];
  const shards = await Promise.all(
    files.map(async (file) => ({ ...file, rows: (await readParquetInfo(file.path)).rows })),
  );
  const total = shards.reduce((sum, { rows }) => sum + rows, 0);
  const task = work.report.task("passages", total, "documents");
  const writer = await PassageIndexWriter.create(dir);
  const encoder = new TextEncoder();
  let done = 0;
  let textBytes = 0;
  for (const { path } of shards) {
    for await (const rows of readParquetRows(path, { columns: ["text"] })) {
      work.signal.throwIfAborted();
      for (const { text } of rows) {
        const bytes = encoder.encode(typeof text === "string" ? text : "");
        textBytes += bytes.length;
        await writer.add(bytes);
      }
      task.update((done += rows.length));
    }
  }
  const entries = await writer.close();
  task.finish();
  const index = { format: 1, shards, documents: total, textBytes, entries } as const;
  await writeJsonAtomic(join(dir, INDEX_FILE), index);
  return { ...index, shards: [...shards], dir };
}

/** Bytes that the index takes on the disk, tables and passages apart. */
export async function indexBytes(dir: string): Promise<{ tables: number; passages: number }> {
  const sizes = { tables: 0, passages: 0 };
  for (const path of await listFiles(dir)) {
    sizes[path.endsWith(".f64") ? "passages" : "tables"] += (await stat(join(dir, path))).size;
  }
  return sizes;
}
