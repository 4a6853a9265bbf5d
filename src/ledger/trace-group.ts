/**
 * @file What became of all documents of a domain, below an address, or under a licence, from the Parquet tables alone: what
 * was used, what was dropped and why, and what training saw.
 */
import { z } from "zod";
import { FirnError } from "../core/index.ts";
import { HOST } from "./hosts.ts";
import { filesMatching, requireFiles, withTables } from "./tables.ts";
import type { DocumentTables } from "./trace.ts";
import {
  DOCUMENT_COLUMNS,
  DOCUMENTS,
  type DomainTrace,
  droppedGroup,
  type GroupTrace,
  keptGroup,
  REJECTS,
  seenTotals,
} from "./trace-rows.ts";

/** Where the tables of a run lie; without `exposureParquet` one asks before training. */
export type GroupTables = DocumentTables & { readonly exposureParquet?: string };

/** Everything about the documents for which `condition` holds, with `value` bound to `$value`. */
async function traceGroup(options: GroupTables, condition: string, value: string): Promise<GroupTrace> {
  const documents = await requireFiles(options.documentsGlob, "tables of documents");
  const rejects = await filesMatching(options.rejectsGlob);
  const exposure =
    options.exposureParquet === undefined
      ? []
      : await requireFiles(options.exposureParquet, "the table of what training saw (exposure.parquet)");
  return withTables(async (tables) => {
    const kept = await tables.query(
      `SELECT source, licence, split, count(*) AS documents, CAST(sum(bytes) AS BIGINT) AS bytes
       FROM (SELECT ${DOCUMENT_COLUMNS} FROM ${DOCUMENTS} WHERE ${condition})
       GROUP BY ALL ORDER BY ALL`,
      { documents, value },
    );
    const dropped =
      rejects.length === 0
        ? []
        : await tables.query(
            `SELECT source, step, reason, count(*) AS documents FROM ${REJECTS} WHERE ${condition}
             GROUP BY ALL ORDER BY ALL`,
            { rejects, value },
          );
    const [seen] =
      exposure.length === 0
        ? []
        : await tables.query(
            `SELECT count(DISTINCT document) AS documents, CAST(coalesce(sum(length), 0) AS BIGINT) AS tokens,
               count(DISTINCT step) AS steps
             FROM read_parquet($exposure)
             WHERE document IN (SELECT id FROM ${DOCUMENTS} WHERE ${condition})`,
            { exposure, documents, value },
          );
    return {
      kept: z.array(keptGroup).parse(kept),
      dropped: z.array(droppedGroup).parse(dropped),
      seen: seen === undefined ? undefined : seenTotals.parse(seen),
    };
  });
}

/**
 * What was used of a domain (with its subdomains), what was dropped and why, and what training saw of it.
 *
 * @throws FirnError `LEDGER_TABLE_MISSING`
 */
export async function traceDomain(options: GroupTables & { readonly domain: string }): Promise<DomainTrace> {
  const domain = options.domain
    .trim()
    .toLowerCase()
    .replace(/^\.+|\.+$/g, "");
  const within = `(${HOST} = $value OR ends_with(${HOST}, '.' || $value))`;
  return { domain, ...(await traceGroup(options, within, domain)) };
}

/**
 * The same of a web address and everything below it: addresses that begin with it.
 *
 * @throws FirnError `LEDGER_TABLE_MISSING`; `LEDGER_NO_TEXT` for something that is no address
 */
export async function traceUrl(options: GroupTables & { readonly url: string }): Promise<GroupTrace> {
  const url = options.url.trim();
  if (!/^https?:\/\/[^/\s]/.test(url)) {
    throw new FirnError("LEDGER_NO_TEXT", {
      expected: "a web address",
      got: url.slice(0, 200),
      next: "For example `firn trace url https://example.org/texts/`.",
    });
  }
  return traceGroup(options, "starts_with(url, $value)", url);
}

/**
 * The same of everything under a licence, an SPDX expression as the sources declare it.
 *
 * @throws FirnError `LEDGER_TABLE_MISSING`
 */
export async function traceLicence(options: GroupTables & { readonly licence: string }): Promise<GroupTrace> {
  return traceGroup(options, "lower(licence) = lower($value)", options.licence.trim());
}
