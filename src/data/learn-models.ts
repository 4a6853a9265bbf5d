/**
 * @file What steps have to know before they judge: read from files, or learnt from a sample of the corpus after its
 * languages are known and its opt-outs are gone. Whatever is learnt lies in the documents artifact as a file.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type DocumentRecord, writeFileAtomic } from "../artifacts/index.ts";
import { type Json, sha256, type Work } from "../core/index.ts";
import { classifierFact, ClassifierJob, type Learner } from "./classifier/classifier-job.ts";
import { type ClassifierModel, formatClassifier } from "./classifier/model.ts";
import type { CleanConfig } from "./clean-config.ts";
import { readEvaluationSets } from "./decontaminate/read-sets.ts";
import { type Judges, judgeInOrder } from "./judge-in-order.ts";
import { readFastText } from "./language/fasttext-file.ts";
import { parseQualityValues, ValueSample } from "./quality/learn-values.ts";
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
    for await (const batch of rawBatches(sources, work.signal)) {
      read += batch.length;
      yield batch.filter((document) => draw(document.id) < most && !raw.plan.isHeldout(document));
    }
  }
  for await (const { documents } of judgeInOrder(
    sampled(),
    judges,
    few ? { ...work, workers: 1 } : work,
    "languages",
  )) {
    for (const document of documents) {
      for (const learner of learners) {
        if (draw(document.id) < share(learner.sampleDocuments)) learner.add(document);
      }
    }
    task.update(read);
  }
  task.finish();
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
  const compilations = Object.fromEntries(sources.map(({ record }) => [record.id, record.licence]));
  const fastText = files.fastText === undefined ? undefined : await readFastText(files.fastText.path);
  const facts: Record<string, { readonly [key: string]: Json }> = {};
  if (config.licences !== undefined) {
    const { compilation, content } = config.licences;
    facts["licence"] = { allowed: { compilation: compilation ?? null, content: content ?? null } };
  }
  const evaluations = await openEvaluations(config, files, facts, work);

  const { rules, classifier } = config.quality;
  const values =
    rules === undefined || files.qualityValues !== undefined ? undefined : new ValueSample(rules);
  const quality =
    classifier === undefined
      ? undefined
      : new ClassifierJob(
          "quality",
          { config: classifier, files: files.qualityClassifier ?? { examples: [] } },
          classifier.goodSources,
          { seed: config.seed, below: 1 - classifier.keep },
        );
  const toxicity =
    config.toxicity === undefined
      ? undefined
      : new ClassifierJob(
          "toxicity",
          { config: config.toxicity, files: files.toxicity ?? { examples: [] } },
          [],
          { seed: config.seed, below: 1 - config.toxicity.drop },
        );
  const learners: Learner[] = [];
  if (values !== undefined && rules !== undefined) {
    const { reference, sampleDocuments } = rules;
    learners.push({
      sampleDocuments,
      sources: reference ?? [],
      setting: "quality.rules.reference",
      add({ source, language, text }) {
        if (reference?.includes(source) ?? true) values.add(language ?? "und", measureQuality(text));
      },
    });
  }
  for (const job of [quality, toxicity]) if (job !== undefined) learners.push(job.learner);
  for (const learner of learners) checkSourceNames(learner.sources, sources, learner.setting);
  if (learners.length > 0)
    await sampleCorpus(sources, raw, { ...judges, models: { compilations, fastText } }, learners, work);

  const keep = async (name: string, step: string, text: string): Promise<void> => {
    await writeFileAtomic(join(dir, name), text);
    facts[step] = { ...facts[step], file: name };
  };
  const given = files.qualityValues;
  const qualityValues =
    given === undefined
      ? values?.values()
      : parseQualityValues(await readFile(given.path, "utf8"), given.path);
  if (qualityValues !== undefined) {
    const text = `${JSON.stringify(qualityValues)}\n`;
    const documents = Object.entries(qualityValues.languages).map(([key, one]) => [key, one.documents]);
    facts["quality-rules"] = {
      values: { sha256: sha256(text), languages: Object.fromEntries(documents) as Json },
    };
    await keep(FILES.rules, "quality-rules", text);
  }
  const finish = async (
    job: ClassifierJob | undefined,
    step: string,
    name: string,
  ): Promise<ClassifierModel | undefined> => {
    if (job === undefined) return undefined;
    const model = await job.finish(work);
    const text = formatClassifier(model);
    facts[step] = classifierFact(model, text);
    await keep(name, step, text);
    return model;
  };
  return {
    models: {
      compilations,
      fastText,
      evaluations,
      qualityValues,
      qualityClassifier: await finish(quality, "quality-classifier", FILES.quality),
      toxicityClassifier: await finish(toxicity, "toxicity", FILES.toxicity),
    },
    facts,
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
