/**
 * @file Documents on disk: Parquet shards `<folder>/<split>-00000.parquet` with one row per document. Kept documents
 * lie under `documents/` (`train`, `heldout`), what a source held under `raw/`, and what was dropped under
 * `rejects/`, with the step and the reason. Property `parallelKey` is column `parallel_key`, and so on.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { assert, FirnError, sha256, systemErrorCode } from "../core/index.ts";
import { type FilePoint, UNFINISHED_SUFFIX } from "./atomic.ts";
import { hashFile } from "./manifest.ts";
import {
  type ParquetColumn,
  type ParquetPoint,
  type ParquetRow,
  ParquetRowsWriter,
  type ParquetWriterOptions,
  readParquetInfo,
  readParquetRows,
} from "./parquet.ts";

/** One document. Text is well-formed Unicode; ids are unique inside a documents artifact. */
export interface DocumentRecord {
  /** `<source>/<file>#<n>`: the same place in the same source always has the same id. */
  readonly id: string;
  readonly text: string;
  /** SHA-256 of `text` as UTF-8. */
  readonly sha256: string;
  /** Id of the declared source. */
  readonly source: string;
  readonly url: string | null;
  /** When it was captured or published, ISO 8601, as far as the source says. */
  readonly date: string | null;
  /** What its page said about training when it was captured (HTTP headers, `<meta>`), one raw line each. */
  readonly signals: string | null;
  /** SPDX expression or `LicenseRef-…`; `NOASSERTION` where the source says why it is not known. */
  readonly licence: string;
  /** ISO 639-3, as the source declares it. */
  readonly declaredLanguage: string | null;
  /** ISO 639-3, as decided by the language step; `und` when nobody can tell. */
  readonly language: string | null;
  /** ISO 15924 code of the dominant script. */
  readonly script: string | null;
  /** The identifier's probability for `language`, in [0, 1]. */
  readonly languageScore: number | null;
  /** Same key, same content in another language (the article of a declaration): never split across train and held-out. */
  readonly parallelKey: string | null;
  /** How many distinct personal identifiers were replaced. */
  readonly scrubbed: number;
  /** How many documents it stands for: itself and its duplicates that were dropped. */
  readonly copies: number;
  /** How often it stands in one pass over the training share, as the mix decides. */
  readonly repeats: number;
  /** UTF-8 bytes of `text`. */
  readonly bytes: number;
  /** Code points of `text`. */
  readonly characters: number;
}

/** A document (or a broken piece of input) that was dropped, with its one reason. */
export interface RejectRecord extends DocumentRecord {
  readonly step: string;
  readonly reason: string;
  /** What the reason refers to: the id of the first copy, a parser's message, a measured value. */
  readonly detail: string | null;
}

/** Where documents of one kind lie inside an artifact. */
export const DOCUMENT_SPLITS = {
  raw: "raw",
  train: "documents",
  heldout: "documents",
  rejects: "rejects",
} as const;
export type DocumentSplit = keyof typeof DOCUMENT_SPLITS;

const COLUMNS = {
  id: { name: "id", type: "STRING" },
  text: { name: "text", type: "STRING" },
  sha256: { name: "sha256", type: "STRING" },
  source: { name: "source", type: "STRING" },
  url: { name: "url", type: "STRING", nullable: true },
  date: { name: "date", type: "STRING", nullable: true },
  signals: { name: "signals", type: "STRING", nullable: true },
  licence: { name: "licence", type: "STRING" },
  declaredLanguage: { name: "declared_language", type: "STRING", nullable: true },
  language: { name: "language", type: "STRING", nullable: true },
  script: { name: "script", type: "STRING", nullable: true },
  languageScore: { name: "language_score", type: "DOUBLE", nullable: true },
  parallelKey: { name: "parallel_key", type: "STRING", nullable: true },
  scrubbed: { name: "scrubbed", type: "INT32" },
  copies: { name: "copies", type: "INT32" },
  repeats: { name: "repeats", type: "INT32" },
  bytes: { name: "bytes", type: "INT64" },
  characters: { name: "characters", type: "INT64" },
} as const satisfies Record<keyof DocumentRecord, ParquetColumn>;

const REJECT_COLUMNS = {
  ...COLUMNS,
  step: { name: "step", type: "STRING" },
  reason: { name: "reason", type: "STRING" },
  detail: { name: "detail", type: "STRING", nullable: true },
} as const satisfies Record<keyof RejectRecord, ParquetColumn>;

/** A shard ends once it holds this many bytes of text. */
const SHARD_TEXT_BYTES = 1 << 30;

/** What a reader must know about a document; the rest is `null`, zero, or follows from the text. */
export type NewDocument = Pick<DocumentRecord, "id" | "text" | "source" | "licence"> &
  Partial<Omit<DocumentRecord, "sha256" | "bytes" | "characters">>;

/** Code points of `text`. */
export function countCharacters(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit <= 0xdbff) count -= 1;
  }
  return count;
}

/** A document with its hash and its lengths. */
export function makeDocument(fields: NewDocument): DocumentRecord {
  return {
    id: fields.id,
    text: fields.text,
    sha256: sha256(fields.text),
    source: fields.source,
    url: fields.url ?? null,
    date: fields.date ?? null,
    signals: fields.signals ?? null,
    licence: fields.licence,
    declaredLanguage: fields.declaredLanguage ?? null,
    language: fields.language ?? null,
    script: fields.script ?? null,
    languageScore: fields.languageScore ?? null,
    parallelKey: fields.parallelKey ?? null,
    scrubbed: fields.scrubbed ?? 0,
    copies: fields.copies ?? 1,
    repeats: fields.repeats ?? 1,
    bytes: Buffer.byteLength(fields.text),
    characters: countCharacters(fields.text),
  };
}

/** The same document with other text (and the hash and lengths that go with it). */
export function withText(document: DocumentRecord, text: string): DocumentRecord {
  return text === document.text ? document : makeDocument({ ...document, text });
}

function toRow(record: object, columns: Readonly<Record<string, ParquetColumn>>): Record<string, never> {
  const values = record as Readonly<Record<string, never>>;
  const row: Record<string, never> = {};
  for (const [property, column] of Object.entries(columns)) row[column.name] = values[property]!;
  return row;
}

function fromRow<Record_>(
  row: ParquetRow,
  columns: Readonly<Record<string, ParquetColumn>>,
  where: string,
): Record_ {
  const record: Record<string, unknown> = {};
  for (const [property, column] of Object.entries(columns)) {
    const value = row[column.name] ?? null;
    const kind = column.type === "STRING" ? "string" : "number";
    if (value === null ? column.nullable !== true : typeof value !== kind) {
      throw new FirnError("DATA_DOCUMENTS_BROKEN", {
        expected: `${kind === "string" ? "text" : "a number"} in column ${column.name}`,
        got: value === null ? "nothing" : `a ${typeof value}`,
        where,
        next: "This file was not written by Firn's data stages, or was changed since; build the documents again.",
      });
    }
    record[property] = value;
  }
  return record as Record_;
}

/** Path of a shard, relative to the artifact. */
export function documentShardPath(split: DocumentSplit, index: number): string {
  return `${DOCUMENT_SPLITS[split]}/${split}-${String(index).padStart(5, "0")}.parquet`;
}

/** What was written, for facts and summaries. */
export interface DocumentsWritten {
  readonly documents: number;
  readonly textBytes: number;
}

/** A place inside a split being written, to go on from. */
export interface DocumentsPoint {
  /** The finished shards. */
  readonly finished: readonly FilePoint[];
  /** The shard being written. */
  readonly open: ParquetPoint | undefined;
  readonly shardBytes: number;
  readonly documents: number;
  readonly textBytes: number;
}

/** Where shards and row groups end; the defaults are those of every artifact. */
export interface DocumentsCuts {
  readonly shardTextBytes?: number;
  readonly rowGroupRows?: number;
}

/**
 * Writes the documents of one split, cutting shards by the text alone: the same documents in the same order give the
 * same files. At least one (perhaps empty) shard is written, so that readers always find the columns.
 */
export class DocumentsWriter {
  readonly #dir: string;
  readonly #split: DocumentSplit;
  readonly #columns: Readonly<Record<string, ParquetColumn>>;
  readonly #shardTextBytes: number;
  readonly #options: ParquetWriterOptions;
  readonly #finished: FilePoint[] = [];
  #writer: ParquetRowsWriter | undefined;
  #shards = 0;
  #shardBytes = 0;
  #documents = 0;
  #textBytes = 0;

  /** `dir` is the artifact's folder. */
  constructor(dir: string, split: DocumentSplit, cuts: DocumentsCuts = {}) {
    this.#dir = dir;
    this.#split = split;
    this.#columns = split === "rejects" ? REJECT_COLUMNS : COLUMNS;
    this.#shardTextBytes = cuts.shardTextBytes ?? SHARD_TEXT_BYTES;
    const { rowGroupRows } = cuts;
    this.#options = {
      columns: Object.values(this.#columns),
      ...(rowGroupRows === undefined ? {} : { rowGroupRows }),
      resumable: true,
    };
  }

  /**
   * A writer that goes on at a point of an earlier run; what that run wrote after it is cut off. `undefined` when a shard is
   * not what it was.
   */
  static async resume(
    dir: string,
    split: DocumentSplit,
    point: DocumentsPoint,
    cuts: DocumentsCuts = {},
  ): Promise<DocumentsWriter | undefined> {
    const writer = new DocumentsWriter(dir, split, cuts);
    for (const [index, { bytes, sha256: expected }] of point.finished.entries()) {
      const shard = await hashFile(join(dir, documentShardPath(split, index))).catch(() => undefined);
      if (shard?.bytes !== bytes || shard.sha256 !== expected) return undefined;
      writer.#finished.push(shard);
    }
    writer.#shards = point.finished.length;
    if (point.open !== undefined) {
      const path = join(dir, documentShardPath(split, writer.#shards));
      writer.#writer = await ParquetRowsWriter.resume(path, writer.#options, point.open);
      if (writer.#writer === undefined) return undefined;
      writer.#shards += 1;
    }
    await removeShards(dir, split, writer.#shards);
    writer.#shardBytes = point.shardBytes;
    writer.#documents = point.documents;
    writer.#textBytes = point.textBytes;
    return writer;
  }

  /** Flushes what is written and says where the writer is. It holds until the next document is written. */
  async point(): Promise<DocumentsPoint> {
    return {
      finished: [...this.#finished],
      open: await this.#writer?.point(),
      shardBytes: this.#shardBytes,
      documents: this.#documents,
      textBytes: this.#textBytes,
    };
  }

  /** Adds documents (rejects, when the split is `rejects`). */
  async write(documents: readonly (DocumentRecord | RejectRecord)[]): Promise<void> {
    for (const document of documents) {
      assert(this.#split !== "rejects" || "reason" in document, "a reject needs its reason");
      if (this.#writer === undefined || this.#shardBytes >= this.#shardTextBytes) await this.#nextShard();
      await this.#writer!.write([toRow(document, this.#columns)]);
      this.#shardBytes += document.bytes;
      this.#textBytes += document.bytes;
      this.#documents += 1;
    }
  }

  /** Finishes the last shard. */
  async close(): Promise<DocumentsWritten> {
    if (this.#shards === 0) await this.#nextShard();
    await this.#finishShard();
    return { documents: this.#documents, textBytes: this.#textBytes };
  }

  /** Gives up; the unfinished shard disappears. Harmless after `close`. */
  async abandon(): Promise<void> {
    await this.#writer?.abandon();
  }

  /** Lets go of the unfinished shard as it is, for a later run to resume. Harmless after `close`. */
  async suspend(): Promise<void> {
    await this.#writer?.suspend();
  }

  async #finishShard(): Promise<void> {
    const writer = this.#writer;
    if (writer === undefined) return;
    await writer.close();
    this.#finished.push(writer.written);
    this.#writer = undefined;
  }

  async #nextShard(): Promise<void> {
    await this.#finishShard();
    const path = join(this.#dir, documentShardPath(this.#split, this.#shards));
    this.#writer = await ParquetRowsWriter.create(path, this.#options);
    this.#shards += 1;
    this.#shardBytes = 0;
  }
}

/** Removes the shards of a split, finished or not, from number `from` on. */
export async function removeShards(dir: string, split: DocumentSplit, from = 0): Promise<void> {
  const folder = join(dir, DOCUMENT_SPLITS[split]);
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    return [] as string[];
  });
  const first = documentShardPath(split, from).split("/")[1]!;
  for (const name of names) {
    const shard = name.endsWith(UNFINISHED_SUFFIX) ? name.slice(0, -UNFINISHED_SUFFIX.length) : name;
    if (shard.startsWith(`${split}-`) && shard >= first) await rm(join(folder, name));
  }
}

/** Absolute paths of the shards of `split`, in order. */
export async function documentShards(dir: string, split: DocumentSplit): Promise<string[]> {
  const folder = join(dir, DOCUMENT_SPLITS[split]);
  const names = await readdir(folder).catch((cause: unknown) => {
    if (systemErrorCode(cause) !== "ENOENT") throw cause;
    return [] as string[];
  });
  const shards = names.filter((name) => name.startsWith(`${split}-`) && name.endsWith(".parquet")).sort();
  if (shards.length === 0) {
    throw new FirnError("DATA_DOCUMENTS_MISSING", {
      expected: `documents in ${DOCUMENT_SPLITS[split]}/${split}-00000.parquet`,
      got: "no such file",
      where: dir,
      next: "Point to a documents artifact, or build it again.",
    });
  }
  return shards.map((name) => join(folder, name));
}

/**
 * The documents of a split in their fixed order, batch by batch (a batch is one row group: at most 16,384 documents
 * or about 16 MiB of text), after the first `skipBatches`.
 *
 * @throws FirnError `DATA_DOCUMENTS_MISSING`, `DATA_DOCUMENTS_BROKEN`, and those of `readParquetRows`
 */
export function readDocuments(
  dir: string,
  split: Exclude<DocumentSplit, "rejects">,
  skipBatches = 0,
): AsyncGenerator<DocumentRecord[], void, undefined> {
  return readRecords<DocumentRecord>(dir, split, COLUMNS, skipBatches);
}

/** What was dropped, with steps and reasons, in its fixed order; like `readDocuments`. */
export function readRejects(dir: string): AsyncGenerator<RejectRecord[], void, undefined> {
  return readRecords<RejectRecord>(dir, "rejects", REJECT_COLUMNS);
}

/** The documents of a split without their text: for counting and planning at a fraction of the cost. */
export function readDocumentFacts(
  dir: string,
  split: Exclude<DocumentSplit, "rejects">,
): AsyncGenerator<Omit<DocumentRecord, "text">[], void, undefined> {
  const { text: _text, ...columns } = COLUMNS;
  return readRecords<Omit<DocumentRecord, "text">>(dir, split, columns);
}

async function* readRecords<Record_>(
  dir: string,
  split: DocumentSplit,
  columns: Readonly<Record<string, ParquetColumn>>,
  skipBatches = 0,
): AsyncGenerator<Record_[], void, undefined> {
  const names = Object.values(columns).map((column) => column.name);
  let skip = skipBatches;
  for (const path of await documentShards(dir, split)) {
    const groups = skip === 0 ? 0 : (await readParquetInfo(path)).rowGroups.length;
    const fromRowGroup = Math.min(skip, groups);
    skip -= fromRowGroup;
    for await (const rows of readParquetRows(path, { columns: names, fromRowGroup })) {
      yield rows.map((row) => fromRow<Record_>(row, columns, path));
    }
  }
}
