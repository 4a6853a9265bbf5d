/**
 * @file The steps that look at one document at a time, one after the other over a batch: the part of cleaning that
 * costs processor time, free of any state between batches, so that any worker can do any batch.
 */
import type { DocumentRecord, RejectRecord } from "../artifacts/index.ts";
import type { CleanConfig } from "./clean-config.ts";
import type { LanguageIdentifier } from "./language/identifier.ts";
import { identifyLanguageStep } from "./steps/identify-language.ts";
import { normaliseStep } from "./steps/normalise.ts";
import { qualityStep } from "./steps/quality.ts";
import { scrubPiiStep } from "./steps/scrub-pii.ts";
import { selectLanguageStep } from "./steps/select-language.ts";
import { type DocumentStep, rejectDocument } from "./steps/step.ts";
import { countKept, countRejected, newTally, type StepTally } from "./tally.ts";

/** The per-document steps in their order. */
export function documentSteps(config: CleanConfig, identifier: LanguageIdentifier): DocumentStep[] {
  return [
    normaliseStep,
    identifyLanguageStep(identifier),
    selectLanguageStep(config.languages),
    qualityStep(config.quality),
    scrubPiiStep(config.pii),
  ];
}

/** A batch after all per-document steps; plain data. */
export interface JudgedBatch {
  readonly documents: readonly DocumentRecord[];
  readonly rejects: readonly RejectRecord[];
  /** One per step, in the order of the steps. */
  readonly tallies: readonly StepTally[];
}

/** Takes every document through `steps` until one drops it. */
export function judgeDocuments(
  batch: readonly DocumentRecord[],
  steps: readonly DocumentStep[],
): JudgedBatch {
  const tallies = steps.map((step) => newTally(step.name));
  const documents: DocumentRecord[] = [];
  const rejects: RejectRecord[] = [];
  for (const original of batch) {
    let document: DocumentRecord | undefined = original;
    for (const [i, step] of steps.entries()) {
      const verdict = step.judge(document);
      if ("keep" in verdict) {
        countKept(tallies[i]!, document, verdict.keep);
        document = verdict.keep;
        continue;
      }
      countRejected(tallies[i]!, document, verdict.reason);
      rejects.push(rejectDocument(document, step.name, verdict.reason, verdict.detail));
      document = undefined;
      break;
    }
    if (document !== undefined) documents.push(document);
  }
  return { documents, rejects, tallies };
}
