/**
 * @file "Where does this come from?": the passages of a text that also stand word for word in documents that a run was
 * trained on, with each document's source and licence. A small corpus is read whole; of a large one only the documents
 * that the index of passages names.
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { readParquetRows } from "../artifacts/index.ts";
import { FirnError } from "../core/index.ts";
import { sharingCandidates, SHORTEST_INDEXED_BYTES } from "./passage-index.ts";
import type { RunTables } from "./request-effect.ts";
import { plainPath, requireFiles, withTables } from "./tables.ts";
import type { TraceIndex } from "./trace-index.ts";
import { fetchRows } from "./trace-indexed.ts";
import { origin } from "./trace-rows.ts";
import { VerbatimFinder, type VerbatimSpan } from "./verbatim.ts";

/** Bytes of the shortest passage that is reported. */
const SHORTEST_BYTES = 24;
/** A corpus above this size, as it lies on the disk, is not read whole for a question. */
const LARGEST_READ_BYTES = 256 * 1024 * 1024;
/** Texts of more bytes than this are read anew for each question. */
const LARGEST_KEPT_BYTES = 64 * 1024 * 1024;
/** Documents that an answer compares with, of those that the index names. */
const MOST_COMPARED = 5000;
const LISTED_DOCUMENTS = 5;

const documentColumns = z.object({ id: z.string(), ...origin });
/** A training document that holds a passage; of a conversation written for training only the id is known. */
export type OriginDocument = Readonly<z.infer<typeof documentColumns>> & {
  readonly kind: "document" | "conversation";
  /** Training steps that saw it; null where no table says. */
  readonly steps: number | null;
};

export interface Origins {
  /** Every passage of at least so many bytes was found. */
  readonly shortestBytes: number;
  /** False if more documents might share a passage than were compared. */
  readonly complete: boolean;
  readonly spans: readonly VerbatimSpan<OriginDocument>[];
}

const COLUMNS = [...Object.keys(documentColumns.shape), "text"];
const conversationLine = z.object({
  id: z.string(),
  language: z.string().nullable().default(null),
  messages: z.array(z.object({ content: z.string() })),
});

type Finder = VerbatimFinder<OriginDocument>;

/** A training document in memory. */
interface Held {
  readonly bytes: Uint8Array;
  readonly document: OriginDocument;
}

/**
 * What finds the origins of a text in the training documents of `run`, and in the conversations of the JSON Lines file
 * `conversations`. A corpus without an index is read at the first question, and kept in memory if it is small.
 *
 * The function it returns throws FirnError `LEDGER_TABLE_MISSING`, and `LEDGER_NO_INDEX` if the corpus is large and has no
 * index.
 */
export function originFinder(
  run: RunTables,
  index: TraceIndex | undefined,
  conversations?: string,
): (text: string) => Promise<Origins> {
  let held: readonly Held[] | undefined;
  /** Reads everything once, and keeps it as long as it stays small. */
  const readAll = async (finder: Finder): Promise<void> => {
    const kept: Held[] = [];
    let bytes = 0;
    const sources = [
      ...(index === undefined ? [readDocuments(run)] : []),
      ...(conversations === undefined ? [] : [readConversations(conversations)]),
    ];
    for (const source of sources) {
      for await (const one of source) {
        finder.add(one.bytes, () => one.document);
        bytes += one.bytes.length;
        if (bytes <= LARGEST_KEPT_BYTES) kept.push(one);
      }
    }
    if (bytes <= LARGEST_KEPT_BYTES) held = kept;
  };
  return async (text) => {
    const finder: Finder = new VerbatimFinder(text, { shortest: SHORTEST_BYTES, keep: LISTED_DOCUMENTS });
    const complete = index === undefined || (await readIndexed(index, finder, text));
    if (held === undefined) await readAll(finder);
    else for (const { bytes, document } of held) finder.add(bytes, () => document);
    return {
      shortestBytes: index === undefined ? SHORTEST_BYTES : SHORTEST_INDEXED_BYTES,
      complete,
      spans: await withSteps(run, finder.spans()),
    };
  };
}

const isTraining = (path: string): boolean => basename(path).startsWith("train-");

function holdRow(row: Readonly<Record<string, unknown>>): Held {
  const text = typeof row["text"] === "string" ? row["text"] : "";
  return {
    bytes: Buffer.from(text),
    document: { ...documentColumns.parse(row), kind: "document", steps: null },
  };
}

async function* readDocuments(run: RunTables): AsyncGenerator<Held, void, void> {
  const files = (await requireFiles(run.documentsGlob, "tables of documents"))
    .map(plainPath)
    .filter(isTraining);
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes > LARGEST_READ_BYTES) {
    throw new FirnError("LEDGER_NO_INDEX", {
      expected: "an index of the corpus, which is too large to be read for one question",
      got: "none",
      where: run.documentsGlob,
      next: "Build it once with `firn trace index`.",
    });
  }
  for (const path of files) {
    for await (const rows of readParquetRows(path, { columns: COLUMNS })) yield* rows.map(holdRow);
  }
}

async function readIndexed(index: TraceIndex, finder: Finder, text: string): Promise<boolean> {
  const { documents, complete } = await sharingCandidates(index.dir, Buffer.from(text), MOST_COMPARED);
  await withTables(async (tables) => {
    let first = 0;
    let at = 0;
    for (const { path, rows, kept } of index.shards) {
      const own: number[] = [];
      for (; at < documents.length && documents[at]! < first + rows; at++) own.push(documents[at]! - first);
      first += rows;
      if (own.length === 0 || !kept || !isTraining(path)) continue;
      for (const row of await fetchRows(tables, path, own, COLUMNS.join(", "))) {
        const { bytes, document } = holdRow(row);
        finder.add(bytes, () => document);
      }
    }
  });
  return complete;
}

async function* readConversations(path: string): AsyncGenerator<Held, void, void> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (line === "") continue;
    const { id, language, messages } = conversationLine.parse(JSON.parse(line));
    yield {
      bytes: Buffer.from(messages.map(({ content }) => content).join("\n")),
      document: { kind: "conversation", id, language, source: null, url: null, licence: null, steps: null },
    };
  }
}

/** How many training steps saw each document. */
async function withSteps(
  run: RunTables,
  spans: readonly VerbatimSpan<OriginDocument>[],
): Promise<VerbatimSpan<OriginDocument>[]> {
  const documents = spans.flatMap((span) => span.documents).filter(({ kind }) => kind === "document");
  if (documents.length === 0) return [...spans];
  const rows = await withTables(async (tables) =>
    tables.query(
      `SELECT document, count(DISTINCT step) AS steps FROM read_parquet($files)
       WHERE list_contains($ids, document) GROUP BY document`,
      {
        files: await requireFiles(run.exposureParquet, "the table of what training saw (exposure.parquet)"),
        ids: [...new Set(documents.map(({ id }) => id))],
      },
    ),
  );
  const steps = new Map(rows.map((row) => [row["document"], Number(row["steps"])]));
  return spans.map((span) => ({
    ...span,
    documents: span.documents.map((document) =>
      document.kind === "document" ? { ...document, steps: steps.get(document.id) ?? 0 } : document,
    ),
  }));
}
