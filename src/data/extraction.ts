/**
 * @file The state of reading a source: what is written, which ids were seen, and where reading is. It is kept in a journal, so
 * that a run after a kill goes on inside the file, and ends in the same bytes.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type DocumentRecord,
  type DocumentsPoint,
  type DocumentsWritten,
  DocumentsWriter,
  type FilePoint,
  makeDocument,
  readJournal,
  type RejectRecord,
  removeShards,
  UNFINISHED_SUFFIX,
  writeJournal,
} from "../artifacts/index.ts";
import { assert, canonicalJson, formatInteger, type Reporter, sha256 } from "../core/index.ts";
import { sourceIdentity } from "./acquire-source.ts";
import { FirstSeen } from "./first-seen.ts";
import { parseLanguageCode } from "./language/language-code.ts";
import { normaliseLicence } from "./licence.ts";
import type { FilePlace, FoundDocument, FoundPiece } from "./readers/reader.ts";
import { fileStart } from "./readers/reader.ts";
import type { ResolvedSource, SourceFile } from "./resolve-source.ts";
import { contentLicenceOf, type SourceSpec } from "./source-spec.ts";
import { rejectDocument } from "./steps/step.ts";
import { countKept, countRejected, newTally, type StepTally } from "./tally.ts";

const STEP = "extract";
/** For ids; those that do not fit go to the disk. */
const ID_MEMORY_BYTES = 64 * 1024 * 1024;
/** Raise it when the state has another form (that of hyparquet-writer's row groups included). */
const JOURNAL_FORM = 1;

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

/** Where reading is: a file of the source by its number, and the place in it. */
export interface SourcePlace {
  readonly file: number;
  readonly place: FilePlace;
}

interface ExtractionPoint {
  readonly at: SourcePlace;
  readonly tally: StepTally;
  readonly raw: DocumentsPoint;
  readonly rejected: DocumentsPoint;
  /** Not there when everything is read: nobody asks any more. */
  readonly ids: FilePoint | undefined;
}

/** The things that a state consists of. */
interface Parts {
  readonly raw: DocumentsWriter;
  readonly rejected: DocumentsWriter;
  readonly ids: FirstSeen;
  readonly tally: StepTally;
  readonly at: SourcePlace;
}

const journalPath = (dir: string): string => join(dir, `journal${UNFINISHED_SUFFIX}`);
const idsPath = (dir: string): string => join(dir, `ids${UNFINISHED_SUFFIX}`);

function identityOf(source: ResolvedSource): string {
  const files = source.files.map(({ name, sha256: hash }) => [name, hash]);
  return sha256(canonicalJson({ form: JOURNAL_FORM, source: sourceIdentity(source), files }));
}

async function resumeParts(dir: string, point: ExtractionPoint): Promise<Parts | undefined> {
  const raw = await DocumentsWriter.resume(dir, "raw", point.raw);
  const rejected = await DocumentsWriter.resume(dir, "rejects", point.rejected);
  const ids =
    point.ids === undefined
      ? FirstSeen.create(idsPath(dir), ID_MEMORY_BYTES)
      : FirstSeen.resume(idsPath(dir), ID_MEMORY_BYTES, point.ids);
  if (raw !== undefined && rejected !== undefined && ids !== undefined)
    return { raw, rejected, ids, tally: point.tally, at: point.at };
  await raw?.suspend();
  await rejected?.suspend();
  ids?.close();
  return undefined;
}

/** Sorts pieces into documents and rejects (ids that come twice are rejects, too) and writes them. */
export class Extraction {
  readonly tally: StepTally;
  /** Where an earlier run was; the beginning for a new one. */
  readonly start: SourcePlace;
  readonly #spec: SourceSpec;
  readonly #dir: string;
  readonly #identity: string;
  readonly #raw: DocumentsWriter;
  readonly #rejected: DocumentsWriter;
  readonly #ids: FirstSeen;

  private constructor(source: ResolvedSource, dir: string, parts: Parts) {
    this.#spec = source.spec;
    this.#dir = dir;
    this.#identity = identityOf(source);
    this.tally = parts.tally;
    this.start = parts.at;
    this.#raw = parts.raw;
    this.#rejected = parts.rejected;
    this.#ids = parts.ids;
  }

  /** Goes on where the journal in `dir` says, or begins anew and says why a journal is not used. */
  static async open(source: ResolvedSource, dir: string, report: Reporter): Promise<Extraction> {
    const found = await readJournal(journalPath(dir), identityOf(source));
    const name = `source ${source.spec.id}`;
    if (found !== undefined && "state" in found) {
      const parts = await resumeParts(dir, found.state as ExtractionPoint);
      if (parts !== undefined) {
        const { file, place } = parts.at;
        const documents = formatInteger(parts.tally.in.documents);
        const where = place.items + place.within > 0 ? `, inside ${source.files[file]!.name}` : "";
        report.line(`${name}: goes on after ${documents} documents${where}`);
        return new Extraction(source, dir, parts);
      }
    }
    if (found !== undefined) {
      const fault = "fault" in found ? found.fault : "the files that it speaks of are not what they were";
      report.line(`${name}: the journal of an interrupted run is not used (${fault}); reading begins anew`);
    }
    await Extraction.#clear(dir);
    return new Extraction(source, dir, {
      raw: new DocumentsWriter(dir, "raw"),
      rejected: new DocumentsWriter(dir, "rejects"),
      ids: FirstSeen.create(idsPath(dir), ID_MEMORY_BYTES),
      tally: newTally(STEP),
      at: { file: 0, place: fileStart() },
    });
  }

  static async #clear(dir: string): Promise<void> {
    await rm(journalPath(dir), { force: true });
    await removeShards(dir, "raw");
    await removeShards(dir, "rejects");
  }

  async write(file: SourceFile, pieces: readonly FoundPiece[]): Promise<void> {
    const documents: DocumentRecord[] = [];
    const rejects: RejectRecord[] = [];
    for (const piece of pieces) {
      const document = toDocument(this.#spec, file, piece);
      if ("reason" in piece) {
        countRejected(this.tally, document, piece.reason);
        rejects.push(rejectDocument(document, STEP, piece.reason, wellFormed(piece.detail)));
      } else if (this.#ids.firstOf(sha256(document.id)) === undefined) {
        countKept(this.tally, document, document);
        documents.push(document);
      } else {
        countRejected(this.tally, document, "duplicate-id");
        rejects.push(rejectDocument(document, STEP, "duplicate-id"));
      }
    }
    await this.#raw.write(documents);
    await this.#rejected.write(rejects);
  }

  /** Flushes everything and writes the journal: a later run goes on at `at`. */
  async save(at: SourcePlace): Promise<void> {
    await this.#writeJournal(at, this.#ids.point());
  }

  async #writeJournal(at: SourcePlace, ids: FilePoint | undefined): Promise<void> {
    const [raw, rejected] = [await this.#raw.point(), await this.#rejected.point()];
    const point: ExtractionPoint = { at, tally: this.tally, raw, rejected, ids };
    await writeJournal(journalPath(this.#dir), this.#identity, point);
  }

  /** Finishes the files. The journal says so until the store seals the artifact, which may take long. */
  async close(
    files: number,
  ): Promise<{ readonly raw: DocumentsWritten; readonly rejected: DocumentsWritten }> {
    const written = { raw: await this.#raw.close(), rejected: await this.#rejected.close() };
    const { documents } = this.tally.in;
    assert(written.raw.documents + written.rejected.documents === documents, "every piece is written once");
    await this.#writeJournal({ file: files, place: fileStart() }, undefined);
    this.#ids.dispose();
    return written;
  }

  /** Lets go of the files as they are, for a later run. Harmless after `close`. */
  async suspend(): Promise<void> {
    await Promise.all([this.#raw.suspend(), this.#rejected.suspend()]);
    this.#ids.close();
  }

  /** Removes everything: it cannot be trusted. */
  async discard(): Promise<void> {
    await this.suspend();
    this.#ids.dispose();
    await Extraction.#clear(this.#dir);
  }
}
