/** @file The worker behind `judgeInOrder`: one batch in, its documents, rejects and counts out. */
import type { DocumentRecord } from "../artifacts/index.ts";
import { serveItems } from "../core/index.ts";
import type { CleanConfig } from "./clean-config.ts";
import { documentSteps, judgeDocuments } from "./judge-documents.ts";
import { LanguageIdentifier, type LanguageModelCounts } from "./language/identifier.ts";
import type { DocumentStep } from "./steps/step.ts";

/** What every worker needs to know. */
export interface JudgeWorkerData {
  readonly config: CleanConfig;
  readonly counts: LanguageModelCounts;
}

let steps: DocumentStep[] | undefined;

serveItems((batch: DocumentRecord[], { config, counts }: JudgeWorkerData) => {
  steps ??= documentSteps(config, new LanguageIdentifier(counts));
  return judgeDocuments(batch, steps);
});
