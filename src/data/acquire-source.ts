/** @file What a source declares and what was found, as a record without machine paths. */
import { join } from "node:path";
import { z } from "zod";
import { writeJsonAtomic } from "../artifacts/index.ts";
import type { Json, Work } from "../core/index.ts";
import type { ResolvedSource } from "./resolve-source.ts";
import { licenceOf, SOURCE_CATEGORIES, type SourceCategory } from "./source-spec.ts";

/** `source.json`: the declared facts and the files behind them. */
export const sourceRecordSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  reader: z.string(),
  licence: z.string(),
  licenceUnknownBecause: z.string().nullable(),
  contentLicence: z.string().nullable(),
  contentRights: z.string().nullable(),
  category: z.enum(Object.keys(SOURCE_CATEGORIES) as [SourceCategory, ...SourceCategory[]]),
  period: z.strictObject({ from: z.string(), to: z.string() }).nullable(),
  acquired: z.strictObject({ from: z.string(), to: z.string() }).optional(),
  revision: z.string().nullable(),
  url: z.string().nullable(),
  contentHash: z.string(),
  bytes: z.int(),
  files: z.array(z.strictObject({ name: z.string(), bytes: z.int(), sha256: z.string() })),
});
export type SourceRecord = z.infer<typeof sourceRecordSchema>;

/** The record of a source. */
export function sourceRecord(source: ResolvedSource): SourceRecord {
  const { spec } = source;
  return {
    id: spec.id,
    title: spec.title ?? spec.id,
    reader: spec.reader.type,
    licence: licenceOf(spec),
    licenceUnknownBecause: spec.licenceUnknownBecause ?? null,
    contentLicence: spec.contentLicence ?? null,
    contentRights: spec.contentRights ?? null,
    category: spec.category,
    period: spec.period ?? null,
    ...(spec.acquired === undefined ? {} : { acquired: spec.acquired }),
    revision: source.revision,
    url: source.url,
    contentHash: source.contentHash,
    bytes: source.bytes,
    files: [...source.files, ...source.support].map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })),
  };
}

/**
 * What decides the bytes that come from this source, for a stage's config: the declaration without paths, and the
 * content. Two machines with the same files in different folders get the same value.
 */
export function sourceIdentity(source: ResolvedSource): Json {
  const { path: _path, ...reader } = { path: undefined, ...source.spec.reader };
  const { checksums: _checksums, ...spec } = source.spec;
  return JSON.parse(
    JSON.stringify({ ...spec, reader, revision: source.revision, contentHash: source.contentHash }),
  ) as Json;
}

/** Writes `source.json` into `dir` and records the `source` fact. */
export async function acquireSource(source: ResolvedSource, dir: string, work: Work): Promise<SourceRecord> {
  const record = sourceRecord(source);
  await writeJsonAtomic(join(dir, "source.json"), record);
  work.fact("source", sourceFact(record));
  return record;
}

/** What the ledger is told of a source: its declaration, and how many files it has. */
export function sourceFact({ files, acquired, ...declared }: SourceRecord): Json {
  return { ...declared, ...(acquired === undefined ? {} : { acquired }), files: files.length };
}
