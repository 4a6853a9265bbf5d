/**
 * @file Following the chain both ways, from the Parquet tables of artifacts alone: a training step to its documents, a
 * document to the steps that saw it or the reason it was dropped, a text to the documents that hold it.
 */
import { z } from "zod";
import { assert, FirnError } from "../core/index.ts";
import {
  count,
  DOCUMENT_COLUMNS,
  DOCUMENTS,
  type DocumentTrace,
  documentRow,
  EXCERPT,
  exposureRow,
  origin,
  REJECT_COLUMNS,
  REJECTS,
  rejectRow,
  text,
  textHit,
  textReject,
  type TextTrace,
} from "./trace-rows.ts";
import { filesMatching, requireFiles, type Tables, withTables } from "./tables.ts";

/** Where a documents artifact keeps what was kept and what was dropped. */
export interface DocumentTables {
  /** E.g. `<documents>/documents/*.parquet`. */
  readonly documentsGlob: string;
  /** E.g. `<documents>/rejects/*.parquet`; need not match anything. */
  readonly rejectsGlob: string;
}

const stepDocument = z.object({ row: count, document: text, start: count, length: count, ...origin });
/** A piece of a document in a training step. The origin is `null` if the documents' tables do not hold it. */
export type StepDocument = Readonly<z.infer<typeof stepDocument>>;

export interface StepTrace {
  readonly step: number;
  /** By row of the batch, then by place in the row. */
  readonly documents: readonly StepDocument[];
}

/**
 * The documents in training step `step`: which row of the batch, from which token of the document on (`start`), how many
 * tokens (`length`), and where the document came from.
 *
 * @throws FirnError `LEDGER_TABLE_MISSING`; `LEDGER_NO_STEP` if training had no such step
 */
export async function traceStep(options: {
  readonly exposureParquet: string;
  readonly documentsGlob: string;
  readonly step: number;
}): Promise<StepTrace> {
  const { step } = options;
  const exposure = await requireFiles(
    options.exposureParquet,
    "the table of what training saw (exposure.parquet)",
  );
  const documents = await requireFiles(options.documentsGlob, "tables of documents");
  assert(Number.isSafeInteger(step), `a step is an integer, not ${step}`);
  return withTables(async (tables) => {
    const rows = await tables.query(
      `SELECT e."row", e.document, e.start, e.length, d.source, d.url, d.language, d.licence
       FROM read_parquet($exposure, file_row_number = true) e
       LEFT JOIN read_parquet($documents, union_by_name = true) d ON d.id = e.document
       WHERE e.step = $step ORDER BY e.file_row_number`,
      { exposure, documents, step },
    );
    if (rows.length === 0) {
      const [range] = await tables.query("SELECT min(step) a, max(step) b FROM read_parquet($exposure)", {
        exposure,
      });
      throw new FirnError("LEDGER_NO_STEP", {
        expected: `a training step from ${String(range?.["a"])} to ${String(range?.["b"])}`,
        got: String(step),
        where: options.exposureParquet,
        next: "Ask for a step in that range.",
      });
    }
    return { step, documents: z.array(stepDocument).parse(rows) };
  });
}

/** Up to five ids that hold what was asked for, to help after a slip. */
async function similarIds(tables: Tables, documents: readonly string[], id: string): Promise<string[]> {
  const rows = await tables.query(
    `SELECT id FROM ${DOCUMENTS} WHERE contains(lower(id), lower($id)) ORDER BY id LIMIT 5`,
    { documents, id },
  );
  return rows.map((row) => String(row["id"]));
}

/**
 * What became of the document `id`: kept (and every training step that saw it) or dropped (by which step, and why).
 *
 * @param options.exposureParquet leave it out to ask before training
 * @throws FirnError `LEDGER_TABLE_MISSING`; `LEDGER_NO_DOCUMENT` if it was neither kept nor dropped
 */
export async function traceDocument(
  options: DocumentTables & { readonly exposureParquet?: string; readonly id: string },
): Promise<DocumentTrace> {
  const { id } = options;
  const documents = await requireFiles(options.documentsGlob, "tables of documents");
  const rejects = await filesMatching(options.rejectsGlob);
  const exposure =
    options.exposureParquet === undefined
      ? []
      : await requireFiles(options.exposureParquet, "the table of what training saw (exposure.parquet)");
  return withTables(async (tables) => {
    const ask = (files: Readonly<Record<string, readonly string[]>>, sql: string) =>
      Object.values(files).every((list) => list.length > 0) ? tables.query(sql, { ...files, id }) : [];
    const [document] = await ask(
      { documents },
      `SELECT ${DOCUMENT_COLUMNS} FROM ${DOCUMENTS} WHERE id = $id`,
    );
    const [reject] = await ask({ rejects }, `SELECT ${REJECT_COLUMNS} FROM ${REJECTS} WHERE id = $id`);
    const exposures = await ask(
      { exposure },
      `SELECT step, "row", start, length FROM read_parquet($exposure) WHERE document = $id
       ORDER BY step, "row", start`,
    );
    if (document === undefined && reject === undefined && exposures.length === 0) {
      const similar = await similarIds(tables, documents, id);
      throw new FirnError("LEDGER_NO_DOCUMENT", {
        expected: "the id of a document",
        got: `"${id}", which was neither kept nor dropped`,
        where: options.documentsGlob,
        next:
          similar.length > 0
            ? `Did you mean one of: ${similar.join(", ")}?`
            : 'Find ids with "firn trace text" or "firn trace step".',
      });
    }
    return {
      id,
      document: document === undefined ? undefined : documentRow.parse(document),
      reject: reject === undefined ? undefined : rejectRow.parse(reject),
      exposures: z.array(exposureRow).parse(exposures),
    };
  });
}

/**
 * The documents that contain `text`, exactly as written, among those kept and those dropped.
 *
 * @param options.limit how many of each to list (default 20)
 * @throws FirnError `LEDGER_TABLE_MISSING`; `LEDGER_NO_TEXT` if `text` is empty
 */
export async function traceText(
  options: DocumentTables & { readonly text: string; readonly limit?: number },
): Promise<TextTrace> {
  const limit = options.limit ?? 20;
  if (options.text === "") {
    throw new FirnError("LEDGER_NO_TEXT", {
      expected: "a text to look for",
      got: "an empty one",
      next: 'Give some words, in quotes: firn trace text "…".',
    });
  }
  const documents = await requireFiles(options.documentsGlob, "tables of documents");
  const rejects = await filesMatching(options.rejectsGlob);
  return withTables(async (tables) => {
    const find = async (
      columns: string,
      from: string,
      files: Readonly<Record<string, readonly string[]>>,
    ) => {
      if (Object.values(files).some((list) => list.length === 0)) return { rows: [], total: 0 };
      const where = `FROM ${from} WHERE contains(text, $text)`;
      const parameters = { ...files, text: options.text };
      const rows = await tables.query(`SELECT ${columns}, ${EXCERPT} ${where} ORDER BY id LIMIT $limit`, {
        ...parameters,
        limit,
      });
      const [total] = await tables.query(`SELECT count(*) AS n ${where}`, parameters);
      return { rows, total: count.parse(total?.["n"]) };
    };
    const kept = await find(DOCUMENT_COLUMNS, DOCUMENTS, { documents });
    const dropped = await find(REJECT_COLUMNS, REJECTS, { rejects });
    return {
      text: options.text,
      keptCount: kept.total,
      rejectedCount: dropped.total,
      documents: z.array(textHit).parse(kept.rows),
      rejects: z.array(textReject).parse(dropped.rows),
    };
  });
}
