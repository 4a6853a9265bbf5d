/** @file The worker behind `judgeInOrder`: one batch in, its documents, rejects and counts out. */
import type { DocumentRecord } from "../artifacts/index.ts";
import { serveItems } from "../core/index.ts";
import type { CleanConfig } from "./clean-config.ts";
import { type DocumentJudge, documentJudge, type JudgeExtent, judgeDocuments } from "./judge-documents.ts";
import { LanguageIdentifier, type LanguageModelCounts } from "./language/identifier.ts";
import { type OptOutCopies, openPolicy } from "./optout/open-policy.ts";
import type { StepModels } from "./step-models.ts";

/** What every worker needs to know. */
export interface JudgeWorkerData {
  readonly config: CleanConfig;
  readonly optOut: OptOutCopies;
  readonly models: StepModels;
  readonly extent: JudgeExtent;
  readonly counts: LanguageModelCounts;
}

let judge: DocumentJudge | undefined;

serveItems(async (batch: DocumentRecord[], { config, optOut, models, extent, counts }: JudgeWorkerData) => {
  judge ??= documentJudge(
    config,
    new LanguageIdentifier(counts),
    await openPolicy(config.optOut, optOut),
    models,
    extent,
  );
  return judgeDocuments(batch, judge);
});
