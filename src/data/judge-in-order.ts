/** @file Runs the per-document steps over a stream of batches, on as many workers as allowed, results in input order. */
import type { DocumentRecord } from "../artifacts/index.ts";
import { mapOrdered, type Work } from "../core/index.ts";
import type { CleanConfig } from "./clean-config.ts";
import { documentJudge, type JudgedBatch, type JudgeExtent, judgeDocuments } from "./judge-documents.ts";
import type { JudgeWorkerData } from "./judge-worker.ts";
import type { LanguageIdentifier } from "./language/identifier.ts";
import type { OptOutPolicy } from "./optout/policy.ts";
import type { OptOutCopies } from "./optout/open-policy.ts";
import type { StepModels } from "./step-models.ts";

/** The worker's module, compiled or from source as this one is. */
const WORKER = new URL(`./judge-worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

/** What the steps are made from; `optOut` is what other threads open for themselves. */
export interface Judges {
  readonly config: CleanConfig;
  readonly identifier: LanguageIdentifier;
  readonly policy: OptOutPolicy;
  readonly models: StepModels;
  readonly optOut: OptOutCopies;
}

/** The judged batches, one per input batch, in the order of the input. One worker means this thread. */
export async function* judgeInOrder(
  batches: AsyncIterable<DocumentRecord[]>,
  { config, identifier, policy, optOut, models }: Judges,
  work: Work,
  extent: JudgeExtent = "all",
): AsyncGenerator<JudgedBatch, void, undefined> {
  if (work.workers > 1) {
    const workerData: JudgeWorkerData = { config, optOut, models, extent, counts: identifier.shareCounts() };
    const { workers, signal } = work;
    yield* mapOrdered<DocumentRecord[], JudgedBatch>(batches, WORKER, { workers, workerData, signal });
    return;
  }
  const judge = documentJudge(config, identifier, policy, models, extent);
  try {
    for await (const batch of batches) {
      work.signal.throwIfAborted();
      yield judgeDocuments(batch, judge);
    }
  } finally {
    for (const step of judge.steps) step.close?.();
  }
}
