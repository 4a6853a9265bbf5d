/** @file The files of a source that lie elsewhere, brought here before they are read. */
import type { Work } from "../../core/index.ts";
import type { ResolvedSource, SourceFile } from "../resolve-source.ts";

/**
 * Fetches what is not here yet, and returns the source with the size of every file. Goes on where an earlier call was
 * stopped, inside a file too.
 *
 * @throws those of `downloadFile`
 */
export async function fetchSource(source: ResolvedSource, work: Work): Promise<ResolvedSource> {
  if (source.files.every(({ fetch }) => fetch === undefined)) return source;
  const known = source.files.every(({ bytes }) => bytes > 0);
  const task = work.report.task(
    `fetch ${source.spec.id}`,
    known ? source.bytes : source.files.length,
    known ? "B" : "files",
  );
  const files: SourceFile[] = [];
  let bytes = 0;
  for (const file of source.files) {
    const before = bytes;
    const downloaded = await file.fetch?.({
      signal: work.signal,
      onProgress: (here) => {
        if (known) task.update(before + here, file.name);
      },
    });
    files.push({ ...file, bytes: downloaded?.bytes ?? file.bytes });
    bytes += files.at(-1)!.bytes;
    task.update(known ? bytes : files.length, file.name);
  }
  task.finish(`${files.length} files of ${source.spec.id} are here`);
  return { ...source, files, bytes };
}
