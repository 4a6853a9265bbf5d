/** @file From a source's files to raw documents in one form, with stable ids and the facts the source declares. */
import { BugError, FirnError, type Work } from "../core/index.ts";
import { Extraction } from "./extraction.ts";
import { UnchangedFile } from "./read-unchanged.ts";
import { folderReader } from "./readers/folder.ts";
import { gutenbergReader } from "./readers/gutenberg.ts";
import { jsonlReader } from "./readers/jsonl.ts";
import { readManual } from "./readers/manual.ts";
import { parquetReader } from "./readers/parquet.ts";
import { type FileReader, fileStart, readFromStart } from "./readers/reader.ts";
import { udhrReader } from "./readers/udhr.ts";
import { readWarc } from "./readers/warc.ts";
import type { ResolvedSource } from "./resolve-source.ts";
import { everySeconds, type SavePace } from "./save-pace.ts";
import { tallyFact } from "./tally.ts";

async function readerOf(source: ResolvedSource): Promise<FileReader> {
  const { reader } = source.spec;
  switch (reader.type) {
    case "udhr":
      return readFromStart(await udhrReader(source));
    case "gutenberg":
      return readFromStart(gutenbergReader(reader.passageCharacters));
    case "folder":
      return readFromStart(folderReader(reader.passageCharacters));
    case "man":
      return readFromStart(readManual);
    case "jsonl":
      return jsonlReader(reader.fields);
    case "parquet":
      return parquetReader(reader.columns);
    case "warc":
      return readWarc;
    default:
      throw new BugError(`no reader for ${JSON.stringify(reader satisfies never)}`);
  }
}

/** What extraction wrote. */
export interface ExtractSummary {
  readonly documents: number;
  readonly rejected: number;
  readonly textBytes: number;
  readonly reasons: Readonly<Record<string, number>>;
}

/**
 * Reads a source into `raw/` (and what could not be read into `rejects/`) of `dir`, and records the `step` fact.
 * Every piece of input is counted once: as a document or as a reject. What a killed or stopped run left in `dir` is gone on
 * with, and the result has the same bytes. Files whose names end in `.firn-tmp` are there for that, and for nobody else.
 *
 * @throws FirnError when a file has changed since it was resolved (`DATA_SOURCE_CHANGED`; then nothing is kept) or its form is
 *   not the declared one (`DATA_SOURCE_FORMAT`, `DATA_PARQUET_COLUMN`)
 */
export async function extractDocuments(
  source: ResolvedSource,
  dir: string,
  work: Work,
  isTimeToSave: SavePace = everySeconds(),
): Promise<ExtractSummary> {
  const read = await readerOf(source);
  const extraction = await Extraction.open(source, dir, work.report);
  const task = work.report.task(`read ${source.spec.id}`, source.bytes, "B");
  try {
    const { start } = extraction;
    let done = source.files.slice(0, start.file).reduce((sum, { bytes }) => sum + bytes, 0);
    for (let i = start.file; i < source.files.length; i++) {
      const file = source.files[i]!;
      const place = i === start.file ? { ...start.place } : fileStart();
      const opened = await UnchangedFile.open(file, source.spec.id);
      for await (const pieces of opened.read(read, place)) {
        work.signal.throwIfAborted();
        await extraction.write(file, pieces);
        if (!isTimeToSave()) continue;
        await opened.check();
        await extraction.save({ file: i, place });
      }
      done += file.bytes;
      task.update(done, file.name);
    }
    const written = await extraction.close(source.files.length);
    task.finish(`${written.raw.documents} documents from ${source.files.length} files`);
    work.fact("step", tallyFact(extraction.tally, { source: source.spec.id }));
    const { reasons } = extraction.tally;
    return {
      documents: written.raw.documents,
      rejected: written.rejected.documents,
      textBytes: written.raw.textBytes,
      reasons,
    };
  } catch (error) {
    if (error instanceof FirnError && error.code === "DATA_SOURCE_CHANGED") await extraction.discard();
    else await extraction.suspend();
    throw error;
  }
}
