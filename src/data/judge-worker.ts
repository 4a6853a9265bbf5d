/** @file The worker behind `judgeInOrder`: one batch in, its documents, rejects and counts out. */
import type { DocumentRecord } from "../artifacts/index.ts";
import { serveItems } from "../core/index.ts";
import type { CleanConfig } from "./clean-config.ts";
import { chooseIdentifier, type DocumentJudge, documentJudge, judgeDocuments } from "./judge-documents.ts";
import type { FastTextTables } from "./language/fasttext-file.ts";
import { LanguageIdentifier, type LanguageModelCounts } from "./language/identifier.ts";
import { type OptOutCopies, openPolicy } from "./optout/open-policy.ts";

/** What every worker needs to know. */
export interface JudgeWorkerData {
  readonly config: CleanConfig;
  readonly optOut: OptOutCopies;
  readonly fastText: FastTextTables | undefined;
  readonly counts: LanguageModelCounts;
}

let judge: DocumentJudge | undefined;

serveItems(async (batch: DocumentRecord[], { config, optOut, fastText, counts }: JudgeWorkerData) => {
  judge ??= documentJudge(
    config,
    chooseIdentifier(new LanguageIdentifier(counts), fastText),
    await openPolicy(config.optOut, optOut),
  );
  return judgeDocuments(batch, judge);
});
