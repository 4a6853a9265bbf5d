/** @file What steps are made from beside settings: read or learnt before documents are judged; plain data for threads. */
import type { EvaluationItems } from "./decontaminate/evaluation-index.ts";
import type { FastTextTables } from "./language/fasttext-file.ts";

export interface StepModels {
  /** Identifies languages in place of the identifier that is learnt. */
  readonly fastText: FastTextTables | undefined;
  readonly evaluations: EvaluationItems | undefined;
}
