/** @file The pass of cleaning that judges: every document is judged, exact duplicates are taken out, survivors are set aside. */
import { join } from "node:path";
import type { DocumentRecord, DocumentsWriter } from "../artifacts/index.ts";
import { formatInteger, type Work } from "../core/index.ts";
import { type Judges, judgeInOrder } from "./judge-in-order.ts";
import type { JudgedBatch } from "./judge-documents.ts";
import { BandFiles } from "./near-duplicates/band-files.ts";
import type { AcquiredSource } from "./raw-sources.ts";
import { rawBatches } from "./raw-sources.ts";
import { ExactDuplicates } from "./steps/deduplicate.ts";
import type { MixRow } from "./steps/mix.ts";
import type { SplitRow } from "./steps/split.ts";
import { rejectDocument } from "./steps/step.ts";
import { addTally, countKept, countRejected, newTally, type StepTally } from "./tally.ts";

/** A document that passed the filters, without its text. */
export type Survivor = SplitRow & Omit<MixRow, "heldout"> & { copies: number };

/** What the second pass leaves behind. */
export interface Judged {
  readonly rows: readonly Survivor[];
  readonly tallies: readonly StepTally[];
  /** Number of the first text of the group that each survivor is in; `undefined` when near-duplicates stay. */
  readonly firsts: readonly number[] | undefined;
}

/** Sorts a judged batch into survivors and rejects. */
class Sorter {
  readonly rows: Survivor[] = [];
  readonly tallies: StepTally[] = [];
  readonly exact = newTally("deduplicate");
  readonly #duplicates = new ExactDuplicates();
  readonly #bands: BandFiles | undefined;
  readonly #keyWords: number;

  constructor(bands: BandFiles | undefined, keyWords: number) {
    this.#bands = bands;
    this.#keyWords = keyWords;
  }

  async sort(
    judged: JudgedBatch,
    out: { readonly survivors: DocumentsWriter; readonly rejects: DocumentsWriter },
  ): Promise<void> {
    for (const [i, tally] of judged.tallies.entries()) {
      this.tallies[i] ??= newTally(tally.step);
      addTally(this.tallies[i], tally);
    }
    await out.rejects.write(judged.rejects);
    const unique: DocumentRecord[] = [];
    for (const [i, document] of judged.documents.entries()) {
      const first = this.#duplicates.firstOf(document.sha256, this.rows.length);
      if (first !== undefined) {
        this.rows[first]!.copies += 1;
        countRejected(this.exact, document, "exact-duplicate");
        const reject = rejectDocument(document, this.exact.step, "exact-duplicate", this.rows[first]!.id);
        await out.rejects.write([reject]);
        continue;
      }
      countKept(this.exact, document, document);
      if (judged.keys !== undefined) this.#addKeys(judged.keys, i);
      unique.push(document);
      const { id, source, language, parallelKey, bytes } = document;
      this.rows.push({ id, source, language, parallelKey, bytes, copies: 1 });
    }
    await out.survivors.write(unique);
  }

  #addKeys(keys: Uint32Array, document: number): void {
    const offset = document * this.#keyWords;
    const some = keys.subarray(offset, offset + this.#keyWords).some((word) => word !== 0);
    if (some) this.#bands?.add(this.rows.length, keys, offset);
  }
}

/**
 * Judges every document of `sources`, in order. Survivors and rejects go to their writers, MinHash keys to files in
 * `scratchDir`, which are gone when this returns.
 */
export async function judgeAll(
  sources: readonly AcquiredSource[],
  judges: Judges,
  documents: number,
  out: {
    readonly survivors: DocumentsWriter;
    readonly rejects: DocumentsWriter;
    readonly scratchDir: string;
  },
  work: Work,
): Promise<Judged> {
  const { nearDuplicates } = judges.config;
  const bands =
    nearDuplicates === undefined
      ? undefined
      : new BandFiles(join(out.scratchDir, "bands"), nearDuplicates.bands);
  const sorter = new Sorter(bands, (nearDuplicates?.bands ?? 0) * 2);
  const task = work.report.task("clean documents", documents, "documents");
  try {
    for await (const judged of judgeInOrder(rawBatches(sources, work.signal), judges, work)) {
      await sorter.sort(judged, out);
      task.update(sorter.tallies[0]!.in.documents);
    }
    const { rows } = sorter;
    task.finish(`${formatInteger(rows.length)} of ${formatInteger(documents)} documents pass`);
    return {
      rows,
      tallies: [...sorter.tallies, sorter.exact],
      firsts: groupSurvivors(bands, sorter, judges, work),
    };
  } finally {
    bands?.dispose();
  }
}

function groupSurvivors(
  bands: BandFiles | undefined,
  { rows }: Sorter,
  { config }: Judges,
  work: Work,
): number[] | undefined {
  if (bands === undefined || config.nearDuplicates === undefined) return undefined;
  const task = work.report.task("near-duplicates", config.nearDuplicates.bands, "bands");
  const bytes = config.nearDuplicates.memoryMiB * 1024 * 1024;
  const groups = bands.group(rows.length, bytes, (done) => {
    work.signal.throwIfAborted();
    task.update(done);
  });
  const firsts = rows.map((_, i) => groups.find(i));
  const dropped = firsts.filter((first, i) => first !== i).length;
  task.finish(`${formatInteger(dropped)} near-duplicates`);
  return firsts;
}
