/**
 * @file The state of judging, the longest pass of cleaning: survivors and rejects written so far, what is remembered of them, and
 * how far the raw documents are read. It is kept in a journal, so that a run after a kill goes on, to the same bytes.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type DocumentRecord,
  type DocumentsPoint,
  DocumentsWriter,
  type FilePoint,
  readJournal,
  removeShards,
  UNFINISHED_SUFFIX,
  writeJournal,
} from "../artifacts/index.ts";
import { canonicalJson, formatInteger, type Json, type Reporter, sha256 } from "../core/index.ts";
import type { CleanConfig } from "./clean-config.ts";
import { FirstSeen } from "./first-seen.ts";
import type { JudgedBatch } from "./judge-documents.ts";
import { BandFiles } from "./near-duplicates/band-files.ts";
import { RAW_START, type RawPlace } from "./raw-sources.ts";
import { rejectDocument } from "./steps/step.ts";
import { type SurvivorPoint, SurvivorTable } from "./survivor-table.ts";
import { addTally, countKept, countRejected, newTally, type StepTally } from "./tally.ts";

/** Raise it when the state has another form (that of hyparquet-writer's row groups included). */
const JOURNAL_FORM = 1;
/** For hashes of texts where no near-duplicates are looked for, whose setting bounds both. */
const DEFAULT_MEMORY_MIB = 256;

const journalPath = (dir: string): string => join(dir, `journal${UNFINISHED_SUFFIX}`);

/** Where survivors and what is remembered of them lie, inside the artifact being made. */
export function scratchFolder(dir: string): string {
  return join(dir, `judged${UNFINISHED_SUFFIX}`);
}

interface JudgingPoint {
  /** `undefined` when everything has been judged. */
  readonly place: RawPlace | undefined;
  readonly survivors: DocumentsPoint;
  readonly rejects: DocumentsPoint;
  readonly table: SurvivorPoint;
  readonly tallies: readonly StepTally[];
  readonly exact: StepTally;
  /** Only while judging. */
  readonly hashes: FilePoint | undefined;
  /** Only where near-duplicates are looked for. */
  readonly bands: readonly FilePoint[] | undefined;
}

/** What the state consists of. */
interface Parts {
  readonly place: RawPlace | undefined;
  readonly survivors: DocumentsWriter;
  readonly rejects: DocumentsWriter;
  readonly table: SurvivorTable;
  readonly tallies: StepTally[];
  readonly exact: StepTally;
  readonly hashes: FirstSeen | undefined;
  readonly bands: BandFiles | undefined;
}

async function resumeParts(
  dir: string,
  memoryBytes: number,
  point: JudgingPoint,
): Promise<Parts | undefined> {
  const scratch = scratchFolder(dir);
  const survivors = await DocumentsWriter.resume(scratch, "raw", point.survivors);
  const rejects = await DocumentsWriter.resume(dir, "rejects", point.rejects);
  const table = SurvivorTable.resume(join(scratch, "table"), point.table);
  const hashes = point.hashes && FirstSeen.resume(join(scratch, "hashes"), memoryBytes, point.hashes);
  const bands = point.bands && BandFiles.resume(join(scratch, "bands"), point.bands);
  const whole =
    (hashes === undefined) === (point.hashes === undefined) &&
    (bands === undefined) === (point.bands === undefined);
  if (survivors !== undefined && rejects !== undefined && table !== undefined && whole) {
    const { place, exact } = point;
    return { place, survivors, rejects, table, tallies: [...point.tallies], exact, hashes, bands };
  }
  await survivors?.suspend();
  await rejects?.suspend();
  for (const files of [table, hashes, bands]) files?.close();
  return undefined;
}

/** Sorts judged batches into survivors and rejects, and remembers what the passes after it ask for. */
export class Judging {
  /** The steps before the one that finds exact duplicates. */
  readonly tallies: StepTally[];
  readonly exact: StepTally;
  readonly table: SurvivorTable;
  readonly rejects: DocumentsWriter;
  /** Only where near-duplicates are looked for. */
  readonly bands: BandFiles | undefined;
  /** From where on documents are still to be judged; `undefined` when none are. */
  readonly start: RawPlace | undefined;
  readonly #dir: string;
  readonly #identity: string;
  readonly #survivors: DocumentsWriter;
  readonly #hashes: FirstSeen | undefined;
  readonly #keyWords: number;

  private constructor(dir: string, identity: string, parts: Parts, keyWords: number) {
    this.#dir = dir;
    this.#identity = identity;
    this.tallies = parts.tallies;
    this.exact = parts.exact;
    this.table = parts.table;
    this.rejects = parts.rejects;
    this.bands = parts.bands;
    this.start = parts.place;
    this.#survivors = parts.survivors;
    this.#hashes = parts.hashes;
    this.#keyWords = keyWords;
  }

  /**
   * Goes on where the journal in `dir` says, or begins anew and says why a journal is not used. `made` is all that the
   * judgements depend on, beside `config`.
   */
  static async open(dir: string, config: CleanConfig, made: Json, report: Reporter): Promise<Judging> {
    const { nearDuplicates } = config;
    const settings = JSON.parse(JSON.stringify(config)) as Json;
    const identity = sha256(canonicalJson({ form: JOURNAL_FORM, settings, made }));
    const memoryBytes = (nearDuplicates?.memoryMiB ?? DEFAULT_MEMORY_MIB) * 1024 * 1024;
    const keyWords = (nearDuplicates?.bands ?? 0) * 2;
    const found = await readJournal(journalPath(dir), identity);
    if (found !== undefined && "state" in found) {
      const parts = await resumeParts(dir, memoryBytes, found.state as JudgingPoint);
      if (parts !== undefined) {
        const documents = parts.tallies[0]?.in.documents ?? 0;
        report.line(`documents: goes on after ${formatInteger(documents)} judged ones`);
        return new Judging(dir, identity, parts, keyWords);
      }
    }
    if (found !== undefined) {
      const fault = "fault" in found ? found.fault : "the files that it speaks of are not what they were";
      report.line(`documents: the journal of an interrupted run is not used (${fault}); judging begins anew`);
    }
    const scratch = scratchFolder(dir);
    await rm(journalPath(dir), { force: true });
    await rm(scratch, { recursive: true, force: true });
    await removeShards(dir, "rejects");
    const parts = {
      place: RAW_START,
      survivors: new DocumentsWriter(scratch, "raw"),
      rejects: new DocumentsWriter(dir, "rejects"),
      table: SurvivorTable.create(join(scratch, "table")),
      tallies: [],
      exact: newTally("deduplicate"),
      hashes: FirstSeen.create(join(scratch, "hashes"), memoryBytes),
      bands:
        nearDuplicates === undefined
          ? undefined
          : BandFiles.create(join(scratch, "bands"), nearDuplicates.bands),
    };
    return new Judging(dir, identity, parts, keyWords);
  }

  /** True when nothing has been judged or written yet. */
  get isNew(): boolean {
    return this.start === RAW_START;
  }

  async sort(judged: JudgedBatch): Promise<void> {
    for (const [i, tally] of judged.tallies.entries()) {
      this.tallies[i] ??= newTally(tally.step);
      addTally(this.tallies[i], tally);
    }
    await this.rejects.write(judged.rejects);
    const unique: DocumentRecord[] = [];
    for (const [i, document] of judged.documents.entries()) {
      const first = this.#hashes!.firstOf(document.sha256);
      if (first !== undefined) {
        this.table.addDuplicate(first);
        countRejected(this.exact, document, "exact-duplicate");
        const detail = this.table.idOf(first);
        await this.rejects.write([rejectDocument(document, this.exact.step, "exact-duplicate", detail)]);
        continue;
      }
      countKept(this.exact, document, document);
      if (judged.keys !== undefined) this.#addKeys(judged.keys, i);
      unique.push(document);
      this.table.add(document);
    }
    await this.#survivors.write(unique);
  }

  #addKeys(keys: Uint32Array, document: number): void {
    const offset = document * this.#keyWords;
    const some = keys.subarray(offset, offset + this.#keyWords).some((word) => word !== 0);
    if (some) this.bands?.add(this.table.count, keys, offset);
  }

  /** Flushes everything and writes the journal: a later run goes on at `place`. */
  async save(place: RawPlace | undefined): Promise<void> {
    const point: JudgingPoint = {
      place,
      survivors: await this.#survivors.point(),
      rejects: await this.rejects.point(),
      table: this.table.point(),
      tallies: this.tallies,
      exact: this.exact,
      hashes: place === undefined ? undefined : this.#hashes?.point(),
      bands: this.bands?.point(),
    };
    await writeJournal(journalPath(this.#dir), this.#identity, point);
  }

  /** Everything is judged: finishes the survivors. */
  async finish(): Promise<void> {
    if (this.start === undefined) return;
    await this.#survivors.close();
    await this.save(undefined);
    this.#hashes?.dispose();
  }

  /** Lets go of all files as they are, for a later run. */
  async suspend(): Promise<void> {
    await Promise.all([this.#survivors.suspend(), this.rejects.suspend()]);
    for (const files of [this.table, this.#hashes, this.bands]) files?.close();
  }
}
