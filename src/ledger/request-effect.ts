/**
 * @file What a request concerns in one training run: documents kept and dropped, tokens, the training steps that saw
 * them, from the tables of the run alone.
 */
import { z } from "zod";
import { FirnError } from "../core/index.ts";
import { HOST } from "./hosts.ts";
import type { RequestEffect, RequestSubject } from "./request.ts";
import { filesMatching, type Parameter, requireFiles, type Tables, withTables } from "./tables.ts";

/** Where the tables of one run lie. */
export interface RunTables {
  readonly exposureParquet: string;
  readonly documentsGlob: string;
  readonly rejectsGlob: string;
  /** The token artifact's `documents.parquet`. */
  readonly tokensParquet: string;
  /** Documents as the sources gave them, `<source>/raw/*.parquet` each. */
  readonly rawGlobs: readonly string[];
}

/** A passage in more than this share of many documents is a common phrase, and nobody's. */
const COMMON_SHARE = 0.5;
const MANY = 20;

/** The condition that a row is concerned, on `url`, `sha256` and `text`. */
function condition({ kind }: RequestSubject): string {
  switch (kind) {
    case "domain":
      return `(${HOST} = $value OR ends_with(${HOST}, '.' || $value))`;
    case "url":
      return "starts_with(url, $value)";
    case "hash":
      return "sha256 = $value";
    case "text":
    case "person":
      return "contains(text, $value)";
  }
}

const count = z.int().min(0);
const keptRow = z.object({ documents: count, heldout: count, bytes: count, tokens: count, all: count });
const seenRow = z.object({
  tokens: count,
  steps: count,
  first: count.nullable(),
  last: count.nullable(),
  total: count,
});
const droppedRow = z.object({ step: z.string(), reason: z.string(), documents: count });

/** The part of an effect that the tables know. */
export type TracedEffect = Pick<
  RequestEffect,
  | "documents"
  | "heldout"
  | "bytes"
  | "tokens"
  | "seenTokens"
  | "steps"
  | "firstStep"
  | "lastStep"
  | "totalSteps"
  | "dropped"
  | "corpus"
> & {
  /** SHA-256 of the documents concerned, as they came and as they were kept. */
  readonly hashes: readonly string[];
};

type Files = Readonly<Record<string, Parameter>>;

async function concerned(
  tables: Tables,
  subject: RequestSubject,
  files: Files,
  raw: readonly string[],
): Promise<string[]> {
  await tables.query(
    `CREATE TEMP TABLE hit AS SELECT id, sha256, bytes, regexp_extract(filename, '([^/\\\\]*)-[0-9]+[.]parquet$', 1) AS split
     FROM read_parquet($documents, union_by_name = true, filename = true) WHERE ${condition(subject)}`,
    { documents: files["documents"]!, value: subject.value },
  );
  const rows = await tables.query("SELECT sha256 FROM hit", {});
  const kept = rows.map((row) => String(row["sha256"]));
  if (raw.length === 0) return kept;
  // The pipeline meets a document before it was normalised and scrubbed: its hash then is another one.
  const before = await tables.query(
    `SELECT sha256 FROM read_parquet($raw, union_by_name = true)
     WHERE id IN (SELECT id FROM hit) OR ${condition(subject)}`,
    { raw, value: subject.value },
  );
  return [...kept, ...before.map((row) => String(row["sha256"]))];
}

async function seen(tables: Tables, exposure: readonly string[]): Promise<z.infer<typeof seenRow>> {
  const [row] = await tables.query(
    `SELECT CAST(coalesce(sum(length) FILTER (hit.id IS NOT NULL), 0) AS BIGINT) AS tokens,
       count(DISTINCT step) FILTER (hit.id IS NOT NULL) AS steps,
       min(step) FILTER (hit.id IS NOT NULL) AS first, max(step) FILTER (hit.id IS NOT NULL) AS last,
       coalesce(max(step), 0) AS total
     FROM read_parquet($exposure) e LEFT JOIN hit ON hit.id = e.document`,
    { exposure },
  );
  return seenRow.parse(row);
}

/**
 * Traces `subject` (normalised) through one run.
 *
 * @throws FirnError `LEDGER_TABLE_MISSING`; `LEDGER_REQUEST` if a passage stands in half of the documents
 */
export async function traceRequest(subject: RequestSubject, run: RunTables): Promise<TracedEffect> {
  const documents = await requireFiles(run.documentsGlob, "tables of documents");
  const tokens = await requireFiles(run.tokensParquet, "the table of token offsets");
  const exposure = await requireFiles(
    run.exposureParquet,
    "the table of what training saw (exposure.parquet)",
  );
  const rejects = await filesMatching(run.rejectsGlob);
  const raw = (await Promise.all(run.rawGlobs.map((glob) => filesMatching(glob)))).flat();
  return withTables(async (tables) => {
    const hashes = await concerned(tables, subject, { documents }, raw);
    const [row] = await tables.query(
      `SELECT count(*) FILTER (hit.split = 'train') AS documents, count(*) FILTER (hit.split <> 'train') AS heldout,
         CAST(coalesce(sum(hit.bytes) FILTER (hit.split = 'train'), 0) AS BIGINT) AS bytes,
         CAST(coalesce(sum(t.length) FILTER (hit.split = 'train'), 0) AS BIGINT) AS tokens,
         (SELECT count(*) FROM read_parquet($documents, union_by_name = true)) AS "all"
       FROM hit LEFT JOIN read_parquet($tokens) t ON t.id = hit.id`,
      { documents, tokens },
    );
    const kept = keptRow.parse(row);
    const found = kept.documents + kept.heldout;
    const passage = subject.kind === "text" || subject.kind === "person";
    if (passage && found > MANY && found > COMMON_SHARE * kept.all) {
      throw new FirnError("LEDGER_REQUEST", {
        expected: "a passage that tells one text from others",
        got: `one that stands in ${found} of ${kept.all} documents`,
        next: "Give a longer passage; nothing was recorded.",
      });
    }
    const exposed = await seen(tables, exposure);
    const dropped =
      rejects.length === 0
        ? []
        : await tables.query(
            `SELECT step, reason, count(*) AS documents FROM read_parquet($rejects, union_by_name = true)
             WHERE ${condition(subject)} GROUP BY ALL ORDER BY ALL`,
            { rejects, value: subject.value },
          );
    return {
      documents: kept.documents,
      heldout: kept.heldout,
      bytes: kept.bytes,
      tokens: kept.tokens,
      seenTokens: exposed.tokens,
      steps: exposed.steps,
      firstStep: exposed.first,
      lastStep: exposed.last,
      totalSteps: exposed.total,
      dropped: z.array(droppedRow).parse(dropped),
      corpus: kept.all,
      hashes: [...new Set(hashes)].sort(),
    };
  });
}
