/** @file The pass of cleaning that judges: every document is judged, exact duplicates are taken out, survivors are set aside. */
import type { DocumentRecord } from "../artifacts/index.ts";
import { assert, formatInteger, type Work } from "../core/index.ts";
import { type Judges, judgeInOrder } from "./judge-in-order.ts";
import type { Judging } from "./judging.ts";
import type { Groups } from "./near-duplicates/band-files.ts";
import { type AcquiredSource, type RawPlace, rawBatches } from "./raw-sources.ts";
import type { SavePace } from "./save-pace.ts";

/** Judges every document of `sources` that `judging` has not seen yet, in order. Documents and rejects go there. */
export async function judgeAll(
  sources: readonly AcquiredSource[],
  judges: Judges,
  documents: number,
  judging: Judging,
  work: Work,
  isTimeToSave: SavePace,
): Promise<void> {
  const task = work.report.task("clean documents", documents, "documents");
  const { start } = judging;
  if (start !== undefined) {
    // Workers run ahead of the results; every batch comes back once, in order.
    const ends: RawPlace[] = [];
    const batches = async function* (): AsyncGenerator<DocumentRecord[], void, undefined> {
      for await (const { documents: batch, end } of rawBatches(sources, work.signal, start)) {
        ends.push(end);
        yield batch;
      }
    };
    for await (const judged of judgeInOrder(batches(), judges, work)) {
      await judging.sort(judged);
      task.update(judging.tallies[0]!.in.documents);
      const end = ends.shift();
      assert(end !== undefined, "no batch comes back twice");
      if (isTimeToSave()) await judging.save(end);
    }
    assert(ends.length === 0, "every batch comes back");
    await judging.finish();
  }
  task.finish(`${formatInteger(judging.table.count)} of ${formatInteger(documents)} documents pass`);
}

/** Which survivors are near-duplicates; `undefined` where they stay. */
export function groupSurvivors(
  { bands, table }: Judging,
  { config: { nearDuplicates } }: Judges,
  work: Work,
): Groups | undefined {
  if (bands === undefined || nearDuplicates === undefined) return undefined;
  const task = work.report.task("near-duplicates", nearDuplicates.bands, "bands");
  const bytes = nearDuplicates.memoryMiB * 1024 * 1024;
  const groups = bands.group(table.count, bytes, (done) => {
    work.signal.throwIfAborted();
    task.update(done);
  });
  let dropped = 0;
  for (let i = 0; i < table.count; i++) if (groups.find(i) !== i) dropped += 1;
  task.finish(`${formatInteger(dropped)} near-duplicates`);
  return groups;
}
