/**
 * @file The steps that look at one document at a time, one after the other over a batch: the part of cleaning that
 * costs processor time, free of any state between batches, so that any worker can do any batch.
 */
import type { DocumentRecord, RejectRecord } from "../artifacts/index.ts";
import type { CleanConfig } from "./clean-config.ts";
import { FastText } from "./language/fasttext.ts";
import { FastTextIdentifier } from "./language/fasttext-identifier.ts";
import { MinHasher } from "./near-duplicates/minhash.ts";
import type { OptOutPolicy } from "./optout/policy.ts";
import type { StepModels } from "./step-models.ts";
import { c4Step } from "./steps/c4.ts";
import { qualityClassifierStep, toxicityStep } from "./steps/classify.ts";
import { decontaminateStep } from "./steps/decontaminate.ts";
import { identifyLanguageStep, type StepIdentifier } from "./steps/identify-language.ts";
import { licenceStep } from "./steps/licence.ts";
import { normaliseStep } from "./steps/normalise.ts";
import { optOutStep, requestedTextStep } from "./steps/opt-out.ts";
import { qualityStep } from "./steps/quality.ts";
import { qualityRulesStep } from "./steps/quality-rules.ts";
import { scrubPiiStep } from "./steps/scrub-pii.ts";
import { selectLanguageStep } from "./steps/select-language.ts";
import { type DocumentStep, rejectDocument } from "./steps/step.ts";
import { countKept, countRejected, newTally, type StepTally } from "./tally.ts";

/** The steps up to the languages, after which text can be learnt from. */
function languageSteps(
  config: CleanConfig,
  identifier: StepIdentifier,
  policy: OptOutPolicy,
  { compilations }: StepModels,
): DocumentStep[] {
  return [
    optOutStep(policy),
    ...(config.licences === undefined ? [] : [licenceStep(config.licences, compilations)]),
    normaliseStep,
    identifyLanguageStep(identifier, config.identifier),
    selectLanguageStep(config.languages),
  ];
}

/** The steps about quality and toxicity, as far as the recipe asks for them. */
function qualitySteps({ quality, toxicity, seed }: CleanConfig, models: StepModels): DocumentStep[] {
  const { qualityValues, qualityClassifier, toxicityClassifier } = models;
  const steps = [qualityStep(quality)];
  if (quality.c4 !== undefined) steps.push(c4Step(quality.c4));
  if (quality.rules !== undefined && qualityValues !== undefined)
    steps.push(qualityRulesStep(quality.rules, qualityValues));
  if (quality.classifier !== undefined && qualityClassifier !== undefined)
    steps.push(qualityClassifierStep(quality.classifier, qualityClassifier, seed));
  if (toxicity !== undefined && toxicityClassifier !== undefined)
    steps.push(toxicityStep(toxicity, toxicityClassifier, seed));
  return steps;
}

/** The per-document steps in their order. */
function documentSteps(
  config: CleanConfig,
  identifier: StepIdentifier,
  policy: OptOutPolicy,
  models: StepModels,
): DocumentStep[] {
  const { evaluations } = models;
  return [
    ...languageSteps(config, identifier, policy, models),
    ...qualitySteps(config, models),
    ...(evaluations === undefined ? [] : [decontaminateStep(evaluations)]),
    scrubPiiStep(config.pii),
    ...(policy.requests === undefined ? [] : [requestedTextStep(policy.requests)]),
  ];
}

/** A batch after all per-document steps; plain data. */
export interface JudgedBatch {
  readonly documents: readonly DocumentRecord[];
  /** SHA-256 of each document's text as its source has it. */
  readonly originals: readonly string[];
  readonly rejects: readonly RejectRecord[];
  /** One per step, in the order of the steps. */
  readonly tallies: readonly StepTally[];
  /** MinHash keys of the documents, `keyWords` each; all zero for a document without words. */
  readonly keys: Uint32Array | undefined;
}

/** Everything that is asked of one document alone. */
export interface DocumentJudge {
  readonly steps: readonly DocumentStep[];
  readonly hasher: MinHasher | undefined;
}

/** How far documents are judged: to the end, or until their languages are known. */
export type JudgeExtent = "all" | "languages";

/** The judge for these settings; `learnt` is the identifier learnt from declared text. */
export function documentJudge(
  config: CleanConfig,
  learnt: StepIdentifier,
  policy: OptOutPolicy,
  models: StepModels,
  extent: JudgeExtent,
): DocumentJudge {
  const { nearDuplicates } = config;
  const { fastText } = models;
  const identifier = fastText === undefined ? learnt : new FastTextIdentifier(new FastText(fastText));
  if (extent === "languages")
    return { steps: languageSteps(config, identifier, policy, models), hasher: undefined };
  return {
    steps: documentSteps(config, identifier, policy, models),
    hasher: nearDuplicates === undefined ? undefined : new MinHasher(nearDuplicates),
  };
}

function keysOf(documents: readonly DocumentRecord[], hasher: MinHasher): Uint32Array {
  const keys = new Uint32Array(documents.length * hasher.keyWords);
  for (const [i, { text }] of documents.entries()) hasher.writeKeys(text, keys, i * hasher.keyWords);
  return keys;
}

/** Takes every document through the steps until one drops it. */
export function judgeDocuments(
  batch: readonly DocumentRecord[],
  { steps, hasher }: DocumentJudge,
): JudgedBatch {
  const tallies = steps.map((step) => newTally(step.name));
  const documents: DocumentRecord[] = [];
  const originals: string[] = [];
  const rejects: RejectRecord[] = [];
  for (const original of batch) {
    let document: DocumentRecord | undefined = original;
    for (const [i, step] of steps.entries()) {
      const verdict = step.judge(document, original);
      if ("keep" in verdict) {
        countKept(tallies[i]!, document, verdict.keep);
        document = verdict.keep;
        continue;
      }
      countRejected(tallies[i]!, document, verdict.reason, verdict.marks);
      rejects.push(rejectDocument(document, step.name, verdict.reason, verdict.detail));
      document = undefined;
      break;
    }
    if (document === undefined) continue;
    documents.push(document);
    originals.push(original.sha256);
  }
  const keys = hasher === undefined ? undefined : keysOf(documents, hasher);
  return { documents, originals, rejects, tallies, keys };
}
