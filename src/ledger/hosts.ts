/** @file How much of the kept training text came from which web host: what domain lists of legal papers are made from. */
import { z } from "zod";
import { filesMatching, requireFiles, withTables } from "./tables.ts";

const hostRow = z.object({
  host: z.string(),
  documents: z.int().min(0),
  bytes: z.int().min(0),
  tokens: z.int().min(0),
});
/** Retained training documents of one host. */
export type HostTotals = Readonly<z.infer<typeof hostRow>>;

/** The host of an address, without user, port and path; empty where there is none. */
export const HOST = `regexp_extract(lower(url), '^[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)', 1)`;

const droppedRow = z.object({
  host: z.string(),
  step: z.string(),
  reason: z.string(),
  documents: z.int().min(0),
});

/** What was decided about the documents of every host. */
export interface HostDecisions {
  readonly kept: readonly HostTotals[];
  readonly dropped: readonly Readonly<z.infer<typeof droppedRow>>[];
}

/** Kept and dropped documents by host. @throws FirnError `LEDGER_TABLE_MISSING` */
export async function hostDecisions(options: {
  readonly documentsGlob: string;
  readonly rejectsGlob: string;
  readonly tokensParquet: string;
}): Promise<HostDecisions> {
  const kept = await hostTotals(options);
  const rejects = await filesMatching(options.rejectsGlob);
  if (rejects.length === 0) return { kept, dropped: [] };
  return withTables(async (tables) => {
    const rows = await tables.query(
      `SELECT ${HOST} AS host, step, reason, count(*) AS documents FROM read_parquet($rejects, union_by_name = true)
       WHERE url IS NOT NULL GROUP BY ALL HAVING host <> '' ORDER BY ALL`,
      { rejects },
    );
    return { kept, dropped: z.array(droppedRow).parse(rows) };
  });
}

/**
 * Documents, UTF-8 bytes and tokens of the training split by host, by name; documents without an address are left out.
 *
 * @param options.tokensParquet the token artifact's `documents.parquet`
 * @throws FirnError `LEDGER_TABLE_MISSING`
 */
export async function hostTotals(options: {
  readonly documentsGlob: string;
  readonly tokensParquet: string;
}): Promise<HostTotals[]> {
  const documents = await requireFiles(options.documentsGlob, "tables of documents");
  const tokens = await requireFiles(options.tokensParquet, "the table of token offsets");
  return withTables(async (tables) => {
    const rows = await tables.query(
      `SELECT host, count(*) AS documents, CAST(sum(bytes) AS BIGINT) AS bytes, CAST(sum(tokens) AS BIGINT) AS tokens
       FROM (SELECT ${HOST} AS host, d.bytes, coalesce(t.length, 0) AS tokens
             FROM read_parquet($documents, union_by_name = true) d
             LEFT JOIN read_parquet($tokens) t ON t.id = d.id AND t.split = 'train'
             WHERE d.url IS NOT NULL)
       WHERE host <> '' GROUP BY host ORDER BY host`,
      { documents, tokens },
    );
    return z.array(hostRow).parse(rows);
  });
}
