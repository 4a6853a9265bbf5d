/** @file From a source's files to raw documents in one form, with stable ids and the facts the source declares. */
import { stat } from "node:fs/promises";
import {
  type DocumentRecord,
  DocumentsWriter,
  makeDocument,
  type RejectRecord,
  hashFile,
} from "../artifacts/index.ts";
import { BugError, FirnError, systemErrorCode, type Work } from "../core/index.ts";
import { parseLanguageCode } from "./language/language-code.ts";
import { normaliseLicence } from "./licence.ts";
import { folderReader } from "./readers/folder.ts";
import { gutenbergReader } from "./readers/gutenberg.ts";
import { jsonlReader } from "./readers/jsonl.ts";
import { readManual } from "./readers/manual.ts";
import { parquetReader } from "./readers/parquet.ts";
import type { FileReader, FoundDocument, FoundPiece } from "./readers/reader.ts";
import { udhrReader } from "./readers/udhr.ts";
import { readWarc } from "./readers/warc.ts";
import type { ResolvedSource, SourceFile } from "./resolve-source.ts";
import { contentLicenceOf, type SourceSpec } from "./source-spec.ts";
import { rejectDocument } from "./steps/step.ts";
import { countKept, countRejected, newTally, type StepTally, tallyFact } from "./tally.ts";

const STEP = "extract";

async function readerOf(source: ResolvedSource): Promise<FileReader> {
  const { reader } = source.spec;
  switch (reader.type) {
    case "udhr":
      return udhrReader(source);
    case "gutenberg":
      return gutenbergReader(reader.passageCharacters);
    case "folder":
      return folderReader(reader.passageCharacters);
    case "jsonl":
      return jsonlReader(reader.fields);
    case "parquet":
      return parquetReader(reader.columns);
    case "man":
      return readManual;
    case "warc":
      return readWarc;
    default:
      throw new BugError(`no reader for ${JSON.stringify(reader satisfies never)}`);
  }
}

/** Half surrogates (possible in JSON escapes) cannot be stored as UTF-8. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

function toDocument(spec: SourceSpec, file: SourceFile, piece: FoundPiece): DocumentRecord {
  const found: Partial<FoundDocument> = "reason" in piece ? {} : piece;
  const declared = parseLanguageCode(found.declaredLanguage ?? spec.language ?? "");
  return makeDocument({
    id: wellFormed(`${spec.id}/${file.name}#${piece.place}`),
    text: wellFormed(piece.text),
    source: spec.id,
    licence: wellFormed(
      found.licence === undefined ? contentLicenceOf(spec) : normaliseLicence(found.licence),
    ),
    url: piece.url === undefined ? null : wellFormed(piece.url),
    date: piece.date === undefined ? null : wellFormed(piece.date),
    signals: found.signals === undefined ? null : wellFormed(found.signals),
    declaredLanguage: declared?.language ?? null,
    script: declared?.script ?? null,
    parallelKey: found.parallelKey ?? null,
  });
}

function changed(spec: SourceSpec, file: SourceFile): FirnError {
  return new FirnError("DATA_SOURCE_CHANGED", {
    expected: `the file that was hashed when the build was planned (SHA-256 ${file.sha256.slice(0, 12)}…)`,
    got: "other content, or no file",
    where: `${file.name} of source "${spec.id}"`,
    next: "Something is still writing there. Let it finish, then run the same command again.",
  });
}

/** What tells a file from another one at the same place; `undefined` when there is none. */
async function identityOf({ path }: SourceFile): Promise<string | undefined> {
  const info = await stat(path).catch(() => undefined);
  return info === undefined ? undefined : `${info.ino} ${info.size} ${info.mtimeMs}`;
}

/**
 * The pieces of a file. The hash of every file is in the record of the source: what is read must be what was hashed, from the
 * first byte to the last, also when somebody replaces or removes the file meanwhile.
 */
async function* readUnchanged(
  spec: SourceSpec,
  file: SourceFile,
  read: FileReader,
): AsyncGenerator<FoundPiece[], void, undefined> {
  const identity = await identityOf(file);
  const hash = (await hashFile(file.path).catch(() => undefined))?.sha256;
  if (hash !== file.sha256) throw changed(spec, file);
  try {
    yield* read(file);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") throw changed(spec, file);
    throw error;
  }
  if ((await identityOf(file)) !== identity) throw changed(spec, file);
}

/** What extraction wrote. */
export interface ExtractSummary {
  readonly documents: number;
  readonly rejected: number;
  readonly textBytes: number;
  readonly reasons: Readonly<Record<string, number>>;
}

/** Sorts pieces into documents and rejects; ids that come twice are rejects, too. */
class Extractor {
  readonly tally: StepTally = newTally(STEP);
  readonly #spec: SourceSpec;
  readonly #seen = new Set<string>();

  constructor(spec: SourceSpec) {
    this.#spec = spec;
  }

  sort(
    file: SourceFile,
    pieces: readonly FoundPiece[],
  ): { documents: DocumentRecord[]; rejects: RejectRecord[] } {
    const documents: DocumentRecord[] = [];
    const rejects: RejectRecord[] = [];
    for (const piece of pieces) {
      const document = toDocument(this.#spec, file, piece);
      if ("reason" in piece) {
        countRejected(this.tally, document, piece.reason);
        rejects.push(rejectDocument(document, STEP, piece.reason, wellFormed(piece.detail)));
      } else if (this.#seen.has(document.id)) {
        countRejected(this.tally, document, "duplicate-id");
        rejects.push(rejectDocument(document, STEP, "duplicate-id"));
      } else {
        this.#seen.add(document.id);
        countKept(this.tally, document, document);
        documents.push(document);
      }
    }
    return { documents, rejects };
  }
}

/**
 * Reads a source into `raw/` (and what could not be read into `rejects/`) of `dir`, and records the `step` fact.
 * Every piece of input is counted once: as a document or as a reject.
 *
 * @throws FirnError when a file has changed since it was resolved (`DATA_SOURCE_CHANGED`) or its form is not the
 *   declared one (`DATA_SOURCE_FORMAT`, `DATA_PARQUET_COLUMN`)
 */
export async function extractDocuments(
  source: ResolvedSource,
  dir: string,
  work: Work,
): Promise<ExtractSummary> {
  const extractor = new Extractor(source.spec);
  const raw = new DocumentsWriter(dir, "raw");
  const rejected = new DocumentsWriter(dir, "rejects");
  const task = work.report.task(`read ${source.spec.id}`, source.bytes, "B");
  try {
    const read = await readerOf(source);
    let done = 0;
    for (const file of source.files) {
      for await (const pieces of readUnchanged(source.spec, file, read)) {
        work.signal.throwIfAborted();
        const { documents, rejects } = extractor.sort(file, pieces);
        await raw.write(documents);
        await rejected.write(rejects);
      }
      done += file.bytes;
      task.update(done, file.name);
    }
    const [written, dropped] = [await raw.close(), await rejected.close()];
    task.finish(`${written.documents} documents from ${source.files.length} files`);
    work.fact("step", tallyFact(extractor.tally, { source: source.spec.id }));
    const { reasons } = extractor.tally;
    return {
      documents: written.documents,
      rejected: dropped.documents,
      textBytes: written.textBytes,
      reasons,
    };
  } catch (error) {
    await Promise.all([raw.abandon(), rejected.abandon()]);
    throw error;
  }
}
