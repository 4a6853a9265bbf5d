/** @file What steps are made from beside settings: read or learnt before documents are judged; plain data for threads. */
import type { ClassifierModel } from "./classifier/model.ts";
import type { EvaluationItems } from "./decontaminate/evaluation-index.ts";
import type { FastTextTables } from "./language/fasttext-file.ts";
import type { QualityValues } from "./quality/learn-values.ts";

export interface StepModels {
  /** The licence that each source declares of itself. */
  readonly compilations: Readonly<Record<string, string>>;
  /** Identifies languages in place of the identifier that is learnt. */
  readonly fastText?: FastTextTables | undefined;
  readonly evaluations?: EvaluationItems | undefined;
  readonly qualityValues?: QualityValues | undefined;
  readonly qualityClassifier?: ClassifierModel | undefined;
  readonly toxicityClassifier?: ClassifierModel | undefined;
}
