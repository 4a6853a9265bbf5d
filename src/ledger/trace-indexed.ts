/** @file The questions of `trace.ts` answered from an index: the same answers, without reading the corpus. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { passageCandidates } from "./passage-index.ts";
import { literalPath, type Parameter, type Row, type Tables, withTables } from "./tables.ts";
import {
  DOCUMENT_COLUMNS,
  type DocumentTrace,
  documentRow,
  type DomainTrace,
  droppedGroup,
  EXCERPT,
  exposureRow,
  keptGroup,
  REJECT_COLUMNS,
  rejectRow,
  seenTotals,
  textHit,
  textReject,
  type TextTrace,
} from "./trace-rows.ts";
import { KEY, type TraceIndex } from "./trace-index.ts";

const place = z.object({ file: z.string(), row: z.int() });
const parquet = (index: TraceIndex, name: string): readonly string[] => [literalPath(join(index.dir, name))];

/** Rows of one shard by their numbers. */
export async function fetchRows(
  tables: Tables,
  path: string,
  rows: readonly number[],
  select: string,
  more: Readonly<Record<string, Parameter>> = {},
): Promise<Row[]> {
  return tables.query(
    `SELECT ${select} FROM read_parquet($files, union_by_name = true, filename = true, file_row_number = true)
     WHERE file_row_number IN (${rows.join(",")}) ${"text" in more ? "AND contains(text, $text)" : ""} ORDER BY id`,
    { files: [literalPath(path)], ...more },
  );
}

/** What became of the document `id`; undefined if the index does not know it. */
export async function indexedDocument(index: TraceIndex, id: string): Promise<DocumentTrace | undefined> {
  return withTables(async (tables) => {
    const places = z.array(place).parse(
      await tables.query(`SELECT file, "row" FROM read_parquet($files) WHERE key = ${KEY("$id")}`, {
        files: parquet(index, "documents.parquet"),
        id,
      }),
    );
    let document: DocumentTrace["document"];
    let reject: DocumentTrace["reject"];
    for (const { file, row } of places) {
      const kept = index.shards.find(({ path }) => path === file)?.kept !== false;
      const [found] = (await fetchRows(tables, file, [row], kept ? DOCUMENT_COLUMNS : REJECT_COLUMNS)).filter(
        (one) => one["id"] === id,
      );
      if (found === undefined) continue;
      if (kept) document = documentRow.parse(found);
      else reject ??= rejectRow.parse(found);
    }
    if (document === undefined && reject === undefined) return undefined;
    const exposures = await tables.query(
      `SELECT step, "row", start, length FROM read_parquet($files) WHERE key = ${KEY("$id")}
       ORDER BY step, "row", start`,
      { files: parquet(index, "exposure.parquet"), id },
    );
    return { id, document, reject, exposures: z.array(exposureRow).parse(exposures) };
  });
}

/** What was used of a domain (in lower case, without dots around it), dropped, and seen. */
export async function indexedDomain(index: TraceIndex, domain: string): Promise<DomainTrace> {
  const reversed = domain.split(".").reverse().join(".");
  // Names between `com.example` and `com.example/` are the domain, what is below it, and names such as `example-x`.
  const within = "host >= $low AND host < $high AND (host = $low OR starts_with(host, $low || '.'))";
  const bounds = { low: reversed, high: `${reversed}/` };
  return withTables(async (tables) => {
    const ask = (name: string, select: string): Promise<Row[]> =>
      existsSync(join(index.dir, name))
        ? tables.query(
            `SELECT ${select} FROM read_parquet($files) WHERE ${within} GROUP BY ALL ORDER BY ALL`,
            {
              files: parquet(index, name),
              ...bounds,
            },
          )
        : Promise.resolve([]);
    const sum = (column: string): string => `CAST(coalesce(sum(${column}), 0) AS BIGINT) AS ${column}`;
    const kept = await ask("hosts.parquet", `source, licence, split, ${sum("documents")}, ${sum("bytes")}`);
    const dropped = await ask("host-dropped.parquet", `source, step, reason, ${sum("documents")}`);
    const [steps] = await ask(
      "host-steps.parquet",
      `CAST(coalesce(sum(tokens), 0) AS BIGINT) AS tokens, count(DISTINCT step) AS steps`,
    );
    const [seen] = await ask("host-seen.parquet", sum("documents"));
    return {
      domain,
      kept: z.array(keptGroup).parse(kept),
      dropped: z.array(droppedGroup).parse(dropped),
      seen: seenTotals.parse({ documents: 0, tokens: 0, steps: 0, ...steps, ...seen }),
    };
  });
}

/** Documents that hold `text` exactly; undefined if it is too short for the index. */
export async function indexedText(
  index: TraceIndex,
  text: string,
  limit: number,
): Promise<TextTrace | undefined> {
  const candidates = await passageCandidates(index.dir, new TextEncoder().encode(text));
  if (candidates === undefined) return undefined;
  const kept: Row[] = [];
  const dropped: Row[] = [];
  await withTables(async (tables) => {
    let first = 0;
    let at = 0;
    for (const { path, rows, kept: isKept } of index.shards) {
      const own: number[] = [];
      for (; at < candidates.length && candidates[at]! < first + rows; at++)
        own.push(candidates[at]! - first);
      first += rows;
      if (own.length === 0) continue;
      const columns = `${isKept ? DOCUMENT_COLUMNS : REJECT_COLUMNS}, ${EXCERPT}`;
      (isKept ? kept : dropped).push(...(await fetchRows(tables, path, own, columns, { text })));
    }
  });
  const byId = (a: Row, b: Row): number => (String(a["id"]) < String(b["id"]) ? -1 : 1);
  for (const rows of [kept, dropped]) rows.sort(byId);
  return {
    text,
    keptCount: kept.length,
    rejectedCount: dropped.length,
    documents: z.array(textHit).parse(kept).slice(0, limit),
    rejects: z.array(textReject).parse(dropped).slice(0, limit),
  };
}
