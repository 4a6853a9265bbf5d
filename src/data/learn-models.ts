/**
 * @file What steps have to know before they judge: read from files, or learnt from a sample of the corpus after its
 * languages are known and its opt-outs are gone. Whatever is learnt lies in the documents artifact as a file.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type DocumentRecord, UNFINISHED_SUFFIX, writeFileAtomic } from "../artifacts/index.ts";
import { type Json, sha256, type Work } from "../core/index.ts";
import { classifierFact, ClassifierJob, type Learner } from "./classifier/classifier-job.ts";
import { type ClassifierModel, formatClassifier } from "./classifier/model.ts";
import type { CleanConfig } from "./clean-config.ts";
import { readEvaluationSets } from "./decontaminate/read-sets.ts";
import { type Judges, judgeInOrder } from "./judge-in-order.ts";
import { readFastText } from "./language/fasttext-file.ts";
import type { QualityRulesConfig } from "./quality/config.ts";
import { parseQualityValues, type QualityValues, ValueSample } from "./quality/learn-values.ts";
import { measureQuality } from "./quality/rules.ts";
import { type AcquiredSource, checkSourceNames, type RawFacts, rawBatches } from "./raw-sources.ts";
import type { CleanFiles } from "./resolve-clean.ts";
import type { StepModels } from "./step-models.ts";
import { documentDraw } from "./steps/split.ts";

/** Files of a documents artifact; a recipe can name those of another build. */
const FILES = {
  rules: "quality-values.json",
  quality: "quality-classifier.json",
  toxicity: "toxicity-classifier.json",
} as const;

/** Indexes of vectors, while documents are judged by them: no part of the artifact. */
const VECTORS_FOLDER = `vectors${UNFINISHED_SUFFIX}`;

/** Additions to the `step` facts, by step. */
export type ModelFacts = Readonly<Record<string, { readonly [key: string]: Json }>>;

/** Below this, threads take longer to start than the documents. */
const FEW_DOCUMENTS = 2000;

/** Shows every learner its sample: documents to train on, as they are after the language steps. */
async function sampleCorpus(
  sources: readonly AcquiredSource[],
  raw: RawFacts,
  judges: Judges,
  learners: readonly Learner[],
  work: Work,
): Promise<void> {
  const { seed } = judges.config;
  const share = (documents: number): number => documents / Math.max(1, raw.documents);
  const most = share(Math.max(...learners.map(({ sampleDocuments }) => sampleDocuments)));
  const task = work.report.task("sample documents", raw.documents, "documents");
  const draw = (id: string): number => documentDraw(seed, "sample", id);
  const few = raw.documents * Math.min(1, most) < FEW_DOCUMENTS;
  let read = 0;
  async function* sampled(): AsyncGenerator<DocumentRecord[], void, undefined> {
    for await (const { documents } of rawBatches(sources, work.signal)) {
      read += documents.length;
      yield documents.filter((document) => draw(document.id) < most && !raw.plan.isHeldout(document));
    }
  }
  for await (const { documents, originals } of judgeInOrder(
    sampled(),
    judges,
    few ? { ...work, workers: 1 } : work,
    "languages",
  )) {
    for (const [i, document] of documents.entries()) {
      for (const learner of learners) {
        if (draw(document.id) < share(learner.sampleDocuments)) learner.add(document, originals[i]!);
      }
    }
    task.update(read);
  }
  task.finish();
}

/** Measures the quality rules on what it sees of the sources in `reference`. */
function rulesLearner({ reference, sampleDocuments }: QualityRulesConfig, values: ValueSample): Learner {
  return {
    sampleDocuments,
    sources: reference ?? [],
    setting: "quality.rules.reference",
    add({ source, language, text }) {
      if (reference?.includes(source) ?? true) values.add(language ?? "und", measureQuality(text));
    },
  };
}

/** The classifiers that the settings ask for. */
function classifierJobs(
  { quality: { classifier }, toxicity, seed }: CleanConfig,
  files: CleanFiles,
): { readonly quality: ClassifierJob | undefined; readonly toxicity: ClassifierJob | undefined } {
  const none = { examples: [] };
  return {
    quality:
      classifier &&
      new ClassifierJob(
        "quality",
        { config: classifier, files: files.qualityClassifier ?? none },
        classifier.goodSources,
        { seed, below: 1 - classifier.keep },
      ),
    toxicity:
      toxicity &&
      new ClassifierJob("toxicity", { config: toxicity, files: files.toxicity ?? none }, [], {
        seed,
        below: 1 - toxicity.drop,
      }),
  };
}

/** What was learnt as files of the artifact, and as facts of their steps. */
class Learnt {
  readonly facts: Record<string, { readonly [key: string]: Json }> = {};
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async keepValues(values: QualityValues | undefined): Promise<QualityValues | undefined> {
    if (values === undefined) return undefined;
    const text = `${JSON.stringify(values)}\n`;
    const documents = Object.entries(values.languages).map(([key, one]) => [key, one.documents]);
    const languages = Object.fromEntries(documents) as Json;
    await writeFileAtomic(join(this.#dir, FILES.rules), text);
    this.facts["quality-rules"] = { values: { sha256: sha256(text), languages }, file: FILES.rules };
    return values;
  }

  async keepClassifier(
    job: ClassifierJob | undefined,
    step: string,
    file: string,
    work: Work,
  ): Promise<ClassifierModel | undefined> {
    if (job === undefined) return undefined;
    const model = await job.finish(join(this.#dir, VECTORS_FOLDER, step), work);
    const text = formatClassifier(model);
    await writeFileAtomic(join(this.#dir, file), text);
    this.facts[step] = { ...classifierFact(model, text, job.lookUps), file };
    return model;
  }
}

/**
 * Reads and learns what the settings ask for; writes what was learnt into `dir`.
 *
 * @throws FirnError `DATA_UNKNOWN_SOURCE`, `DATA_EXAMPLES`, `DATA_CLASSIFIER`, `DATA_QUALITY_VALUES` and those of the readers
 */
export async function learnModels(
  sources: readonly AcquiredSource[],
  raw: RawFacts,
  { files, dir, ...judges }: Omit<Judges, "models"> & { readonly files: CleanFiles; readonly dir: string },
  work: Work,
): Promise<{ models: StepModels; facts: ModelFacts }> {
  const { config } = judges;
  const { rules } = config.quality;
  const learnt = new Learnt(dir);
  const compilations = Object.fromEntries(sources.map(({ record }) => [record.id, record.licence]));
  const fastText = files.fastText === undefined ? undefined : await readFastText(files.fastText.path);
  if (config.licences !== undefined) {
    const { compilation, content } = config.licences;
    learnt.facts["licence"] = { allowed: { compilation: compilation ?? null, content: content ?? null } };
  }
  const evaluations = await openEvaluations(config, files, learnt.facts, work);

  const given = files.qualityValues;
  const values = rules === undefined || given !== undefined ? undefined : new ValueSample(rules);
  const { quality, toxicity } = classifierJobs(config, files);
  const learners = [quality, toxicity].flatMap((job) => job?.learner ?? []);
  if (rules !== undefined && values !== undefined) learners.push(rulesLearner(rules, values));
  for (const learner of learners) checkSourceNames(learner.sources, sources, learner.setting);
  if (learners.length > 0)
    await sampleCorpus(sources, raw, { ...judges, models: { compilations, fastText } }, learners, work);

  const known = given && parseQualityValues(await readFile(given.path, "utf8"), given.path);
  return {
    models: {
      compilations,
      fastText,
      evaluations,
      qualityValues: await learnt.keepValues(known ?? values?.values()),
      qualityClassifier: await learnt.keepClassifier(quality, "quality-classifier", FILES.quality, work),
      toxicityClassifier: await learnt.keepClassifier(toxicity, "toxicity", FILES.toxicity, work),
    },
    facts: learnt.facts,
  };
}

async function openEvaluations(
  config: CleanConfig,
  files: CleanFiles,
  facts: Record<string, { readonly [key: string]: Json }>,
  work: Work,
): Promise<StepModels["evaluations"]> {
  if (config.decontaminate === undefined) return undefined;
  const { items, fact } = await readEvaluationSets(
    config.decontaminate,
    files.evaluationSets ?? [],
    work.signal,
  );
  facts["decontaminate"] = { against: fact };
  return items;
}
