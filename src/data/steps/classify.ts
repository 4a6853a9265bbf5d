/** @file Steps that ask a trained classifier: one keeps the best of each language, one leaves out the most toxic. */
import { Classifier, type ClassifierModel } from "../classifier/model.ts";
import type { QualityClassifierConfig, ToxicityConfig } from "../classifier/config.ts";
import { documentDraw } from "./split.ts";
import type { DocumentRecord } from "../../artifacts/index.ts";
import type { DocumentStep, Verdict } from "./step.ts";

/** For a language without a classifier: a share stays, drawn by the document's id. */
function judgeOthers(id: string, share: number, seed: number, purpose: string): Verdict | undefined {
  if (share === 1 || documentDraw(seed, purpose, id) < share) return undefined;
  return { reason: "not-drawn", detail: `no classifier for its language; ${share} of it stays` };
}

/** For a document that nobody computed a vector of. */
function withoutVector({ sha256 }: DocumentRecord): Verdict {
  return { reason: "no-vector", detail: `no vector of ${sha256}` };
}

/**
 * Reasons: `low-quality` below the threshold of its language; `no-vector`; `not-drawn`. Documents of good sources stay.
 */
export function qualityClassifierStep(
  { goodSources, others }: QualityClassifierConfig,
  model: ClassifierModel,
  seed: number,
): DocumentStep {
  const classifier = new Classifier(model, "quality");
  return {
    name: "quality-classifier",
    close: () => classifier.close(),
    judge(document, original = document) {
      if (goodSources.includes(document.source)) return { keep: document };
      const found = classifier.score(document.text, document.language, original.sha256);
      if (found === undefined) {
        return judgeOthers(document.id, others, seed, "quality others") ?? { keep: document };
      }
      const { score, threshold } = found;
      if (score === undefined) return withoutVector(original);
      if (score >= threshold) return { keep: document };
      return { reason: "low-quality", detail: `${score.toFixed(4)} < ${threshold.toFixed(4)}` };
    },
  };
}

/** Reasons: `toxic` above the threshold of its language; `no-vector`; `not-drawn`. */
export function toxicityStep({ others }: ToxicityConfig, model: ClassifierModel, seed: number): DocumentStep {
  const classifier = new Classifier(model, "toxicity");
  return {
    name: "toxicity",
    close: () => classifier.close(),
    judge(document, original = document) {
      const found = classifier.score(document.text, document.language, original.sha256);
      if (found === undefined) {
        return judgeOthers(document.id, others, seed, "toxicity others") ?? { keep: document };
      }
      const { score, threshold } = found;
      if (score === undefined) return withoutVector(original);
      if (score <= threshold) return { keep: document };
      return { reason: "toxic", detail: `${score.toFixed(4)} > ${threshold.toFixed(4)}` };
    },
  };
}
