/** @file The sources that cleaning reads: their records, their documents in order, their sizes. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type DocumentRecord, readDocumentFacts, readDocuments } from "../artifacts/index.ts";
import { FirnError, nearestName } from "../core/index.ts";
import { type SourceRecord, sourceRecordSchema } from "./acquire-source.ts";
import type { CleanConfig } from "./clean-config.ts";
import { HeldoutPlan } from "./steps/split.ts";
import type { Count } from "./tally.ts";

/** Documents that a worker gets at a time. */
const BATCH_DOCUMENTS = 128;

/** A source artifact: `source.json`, `raw/`, `rejects/`. */
export interface AcquiredSource {
  readonly dir: string;
  readonly record: SourceRecord;
}

/** Reads the record of the source artifact in `dir`. @throws FirnError `DATA_SOURCE_RECORD` */
export async function openSource(dir: string): Promise<AcquiredSource> {
  const path = join(dir, "source.json");
  try {
    return { dir, record: sourceRecordSchema.parse(JSON.parse(await readFile(path, "utf8"))) };
  } catch (cause) {
    throw new FirnError("DATA_SOURCE_RECORD", {
      expected: "the record of an acquired source",
      got: "no file, or another content",
      where: path,
      next: "Build the source again.",
      cause,
    });
  }
}

/** Checks that `names` are sources. `setting` says where they are written. @throws FirnError `DATA_UNKNOWN_SOURCE` */
export function checkSourceNames(
  names: readonly string[],
  sources: readonly AcquiredSource[],
  setting: string,
): void {
  const known = sources.map(({ record }) => record.id);
  const stray = names.find((name) => !known.includes(name));
  if (stray === undefined) return;
  const near = nearestName(stray, known);
  throw new FirnError("DATA_UNKNOWN_SOURCE", {
    expected: `sources of the recipe (${known.join(", ")})`,
    got: stray,
    where: `documents.${setting}`,
    next: near === undefined ? "Name a source of the recipe." : `Did you mean ${near}?`,
  });
}

/** A place between two batches of the raw documents. */
export interface RawPlace {
  /** Number of the source. */
  readonly source: number;
  /** Row groups of it that lie before, and batches of the next one. */
  readonly groups: number;
  readonly batches: number;
}

/** Where the raw documents begin. */
export const RAW_START: RawPlace = { source: 0, groups: 0, batches: 0 };

/** The raw documents of all sources in their order, in batches for the steps, from `start` on; each with the place after it. */
export async function* rawBatches(
  sources: readonly AcquiredSource[],
  signal: AbortSignal,
  start = RAW_START,
): AsyncGenerator<{ readonly documents: DocumentRecord[]; readonly end: RawPlace }, void, undefined> {
  let { groups, batches } = start;
  for (let source = start.source; source < sources.length; source++) {
    for await (const group of readDocuments(sources[source]!.dir, "raw", groups)) {
      for (let i = batches * BATCH_DOCUMENTS; i < group.length; i += BATCH_DOCUMENTS) {
        signal.throwIfAborted();
        batches += 1;
        yield { documents: group.slice(i, i + BATCH_DOCUMENTS), end: { source, groups, batches } };
      }
      groups += 1;
      batches = 0;
    }
    groups = 0;
  }
}

/** What is known of the raw documents before any text is read. */
export interface RawFacts {
  readonly documents: number;
  readonly bytes: number;
  readonly plan: HeldoutPlan;
}

/** Counts the raw documents and plans the held-out split. */
export async function surveyRaw(sources: readonly AcquiredSource[], config: CleanConfig): Promise<RawFacts> {
  const keyCounts = new Map<string, Map<string, Count>>();
  let documents = 0;
  let bytes = 0;
  for (const { dir } of sources) {
    for await (const batch of readDocumentFacts(dir, "raw")) {
      for (const { source, parallelKey, bytes: size } of batch) {
        documents += 1;
        bytes += size;
        if (parallelKey === null) continue;
        if (!keyCounts.has(source)) keyCounts.set(source, new Map());
        const counts = keyCounts.get(source)!;
        const count = counts.get(parallelKey) ?? { documents: 0, bytes: 0 };
        counts.set(parallelKey, { documents: count.documents + 1, bytes: count.bytes + size });
      }
    }
  }
  return { documents, bytes, plan: new HeldoutPlan(config.seed, config.heldout.share, keyCounts) };
}
