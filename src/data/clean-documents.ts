/**
 * @file Cleaning: raw documents of several sources become documents to train on, documents held out, and rejects with
 * one reason each. Three passes over the text: (1) learn languages from what the sources declare, (2) judge every
 * document, (3) split and mix what is left. Memory holds a few numbers per document, never the texts.
 */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type DocumentRecord,
  DocumentsWriter,
  readDocumentFacts,
  readDocuments,
  readRejects,
  writeFileAtomic,
} from "../artifacts/index.ts";
import { assert, FirnError, formatInteger, type Work } from "../core/index.ts";
import { type SourceRecord, sourceRecordSchema } from "./acquire-source.ts";
import type { CleanConfig } from "./clean-config.ts";
import { type DocumentsSummary, freezeFacts, summarise } from "./freeze.ts";
import { judgeInOrder } from "./judge-in-order.ts";
import { DeclaredText, type IdentifierReport, identifierFact } from "./language/declared-text.ts";
import type { LanguageIdentifier } from "./language/identifier.ts";
import { deduplicateStep } from "./steps/deduplicate.ts";
import { type MixRow, overQuota } from "./steps/mix.ts";
import { normaliseText } from "./steps/normalise.ts";
import { HeldoutPlan, splitDocuments, type SplitRow } from "./steps/split.ts";
import { rejectDocument } from "./steps/step.ts";
import {
  addTally,
  type Count,
  countKept,
  countRejected,
  newTally,
  type StepTally,
  tallyFact,
} from "./tally.ts";

/** Where the identifier lies in a documents artifact. */
export const LANGUAGE_MODEL_FILE = "language-model.json";

const BATCH_DOCUMENTS = 128;

/** A source artifact: `source.json`, `raw/`, `rejects/`. */
interface AcquiredSource {
  readonly dir: string;
  readonly record: SourceRecord;
}

async function openSource(dir: string): Promise<AcquiredSource> {
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

async function* rawBatches(
  sources: readonly AcquiredSource[],
  signal: AbortSignal,
): AsyncGenerator<DocumentRecord[], void, undefined> {
  for (const { dir } of sources) {
    for await (const documents of readDocuments(dir, "raw")) {
      for (let i = 0; i < documents.length; i += BATCH_DOCUMENTS) {
        signal.throwIfAborted();
        yield documents.slice(i, i + BATCH_DOCUMENTS);
      }
    }
  }
}

/** What is known of the raw documents before any text is read. */
interface RawFacts {
  readonly documents: number;
  readonly bytes: number;
  readonly plan: HeldoutPlan;
}

async function surveyRaw(sources: readonly AcquiredSource[], config: CleanConfig): Promise<RawFacts> {
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

/** Pass 1: the identifier, and how well it does on the held-out share. */
async function learnLanguages(
  sources: readonly AcquiredSource[],
  facts: RawFacts,
  config: CleanConfig,
  work: Work,
): Promise<{ identifier: LanguageIdentifier; report: IdentifierReport }> {
  const declared = new DeclaredText(config.seed, config.identifier.trainingCharacters);
  const task = work.report.task("learn languages", facts.documents, "documents");
  let done = 0;
  for await (const batch of rawBatches(sources, work.signal)) {
    for (const document of batch) {
      if (document.declaredLanguage === null) continue;
      declared.add({ ...document, text: normaliseText(document.text) }, facts.plan.isHeldout(document));
    }
    done += batch.length;
    task.update(done);
  }
  const identifier = declared.train();
  const report = declared.measure(identifier);
  task.finish(
    `${report.labels} languages; ${(report.accuracy * 100).toFixed(1)} % of ${report.documents} held-out documents identified`,
  );
  return { identifier, report };
}

/** A document that passed the filters, without its text. */
type Survivor = SplitRow & Omit<MixRow, "heldout">;

/** Pass 2: judges every document; survivors go to a file of their own, rejects to theirs. */
async function judgeAll(
  sources: readonly AcquiredSource[],
  config: CleanConfig,
  identifier: LanguageIdentifier,
  facts: RawFacts,
  out: { readonly survivors: DocumentsWriter; readonly rejects: DocumentsWriter },
  work: Work,
): Promise<{ rows: Survivor[]; tallies: StepTally[] }> {
  const rows: Survivor[] = [];
  const tallies: StepTally[] = [];
  const duplicates = deduplicateStep();
  const duplicateTally = newTally(duplicates.name);
  const task = work.report.task("clean documents", facts.documents, "documents");
  let done = 0;
  for await (const judged of judgeInOrder(rawBatches(sources, work.signal), config, identifier, work)) {
    for (const [i, tally] of judged.tallies.entries()) {
      tallies[i] ??= newTally(tally.step);
      addTally(tallies[i], tally);
      if (i === 0) done += tally.in.documents;
    }
    await out.rejects.write(judged.rejects);
    const unique: DocumentRecord[] = [];
    for (const document of judged.documents) {
      const verdict = duplicates.judge(document);
      if ("keep" in verdict) {
        countKept(duplicateTally, document, document);
        unique.push(document);
        const { id, source, language, parallelKey, bytes } = document;
        rows.push({ id, source, language, parallelKey, bytes });
      } else {
        countRejected(duplicateTally, document, verdict.reason);
        await out.rejects.write([rejectDocument(document, duplicates.name, verdict.reason, verdict.detail)]);
      }
    }
    await out.survivors.write(unique);
    task.update(done);
  }
  task.finish(`${formatInteger(rows.length)} of ${formatInteger(facts.documents)} documents pass`);
  return { rows, tallies: [...tallies, duplicateTally] };
}

/** Pass 3: survivors go to train, held-out, or over the cap. */
async function distribute(
  survivorsDir: string,
  fate: { readonly heldout: readonly boolean[]; readonly over: readonly boolean[] },
  out: {
    readonly train: DocumentsWriter;
    readonly heldout: DocumentsWriter;
    readonly rejects: DocumentsWriter;
  },
): Promise<{ split: StepTally; mix: StepTally }> {
  const split = newTally("split");
  const mix = newTally("mix");
  let index = 0;
  for await (const documents of readDocuments(survivorsDir, "raw")) {
    for (const document of documents) {
      countKept(split, document, document);
      if (fate.over[index] === true) {
        countRejected(mix, document, "over-quota");
        await out.rejects.write([rejectDocument(document, "mix", "over-quota")]);
      } else {
        countKept(mix, document, document);
        await (fate.heldout[index] === true ? out.heldout : out.train).write([document]);
      }
      index += 1;
    }
  }
  assert(index === fate.heldout.length, "every survivor is read back once");
  return { split, mix };
}

/**
 * Cleans the raw documents of the source artifacts in `sourceDirs` (in this order) into `dir`:
 * `documents/train-*.parquet`, `documents/heldout-*.parquet`, `rejects/rejects-*.parquet` (with what the readers
 * could not read) and `language-model.json`. Records one `step` fact per step and a `freeze` fact per source, and
 * returns the summary for the manifest. The same input and settings give the same bytes with any number of workers.
 *
 * @throws FirnError `DATA_SOURCE_RECORD`, `DATA_NOTHING_LEFT` when no document to train on remains
 */
export async function cleanDocuments(
  sourceDirs: readonly string[],
  config: CleanConfig,
  dir: string,
  work: Work,
): Promise<DocumentsSummary> {
  const sources = await Promise.all(sourceDirs.map(openSource));
  const facts = await surveyRaw(sources, config);
  const { identifier, report } = await learnLanguages(sources, facts, config, work);
  await writeFileAtomic(join(dir, LANGUAGE_MODEL_FILE), identifier.toJson());

  const survivorsDir = join(dir, "survivors.firn-tmp");
  const survivors = new DocumentsWriter(survivorsDir, "raw");
  const train = new DocumentsWriter(dir, "train");
  const heldout = new DocumentsWriter(dir, "heldout");
  const rejects = new DocumentsWriter(dir, "rejects");
  try {
    for (const source of sources)
      for await (const batch of readRejects(source.dir)) await rejects.write(batch);
    const { rows, tallies } = await judgeAll(
      sources,
      config,
      identifier,
      facts,
      { survivors, rejects },
      work,
    );
    await survivors.close();
    const { share } = config.heldout;
    const split = splitDocuments(rows, facts.plan, config.seed, share);
    const mixRows = rows.map((row, i): MixRow => ({ ...row, heldout: split.heldout[i]! }));
    const over = overQuota(mixRows, config.mix, config.seed, share);
    const last = await distribute(
      survivorsDir,
      { heldout: split.heldout, over },
      { train, heldout, rejects },
    );
    const written = {
      train: await train.close(),
      heldout: await heldout.close(),
      rejects: await rejects.close(),
    };
    if (written.train.documents === 0) throw nothingLeft([...tallies, last.mix], facts.documents);

    for (const tally of tallies) {
      work.fact(
        "step",
        tallyFact(tally, tally.step === "language" ? { identifier: identifierFact(report) } : {}),
      );
    }
    const heldoutKeys = Object.fromEntries(
      sources.map(({ record }) => [record.id, facts.plan.heldoutKeys(record.id)]),
    );
    work.fact("step", tallyFact(last.split, { heldoutKeys, toppedUp: split.toppedUp, seed: config.seed }));
    work.fact("step", tallyFact(last.mix));
    const records = sources.map((source) => source.record);
    const freeze = await freezeFacts(dir, records);
    for (const fact of freeze) work.fact("freeze", fact);
    return summarise(freeze, [...tallies, last.split, last.mix], report, written.rejects.documents);
  } finally {
    await Promise.all([survivors, train, heldout, rejects].map((writer) => writer.abandon()));
    await rm(survivorsDir, { recursive: true, force: true });
  }
}

function nothingLeft(tallies: readonly StepTally[], documents: number): FirnError {
  const reasons = tallies.flatMap((tally) =>
    Object.entries(tally.reasons).map(([reason, count]) => ({ name: `${tally.step}/${reason}`, count })),
  );
  reasons.sort((a, b) => b.count - a.count);
  const most = reasons.slice(0, 3).map(({ name, count }) => `${name} ${formatInteger(count)}`);
  return new FirnError("DATA_NOTHING_LEFT", {
    expected: "documents to train on",
    got: `none of ${formatInteger(documents)}${most.length === 0 ? "" : `; dropped by ${most.join(", ")}`}`,
    next: "Add sources, or loosen the settings that dropped them (languages, quality, heldout, mix) in the recipe.",
  });
}
