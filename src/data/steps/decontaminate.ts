/** @file Leaves out documents that hold an item of an evaluation set: a model that has read the test knows the answers. */
import { contentTokens } from "../decontaminate/content-tokens.ts";
import { type EvaluationItems, findContamination } from "../decontaminate/evaluation-index.ts";
import type { DocumentStep } from "./step.ts";

/** Reason: `evaluation-item`; the detail names set and row, and how much of the item is there. Marks count by set. */
export function decontaminateStep(items: EvaluationItems): DocumentStep {
  return {
    name: "decontaminate",
    judge(document) {
      const found = findContamination(contentTokens(document.text), items);
      if (found === undefined) return { keep: document };
      const { set, row, matched, tokens } = found;
      return {
        reason: "evaluation-item",
        detail: `${set}, row ${row}: ${matched} of its ${tokens} tokens (${(matched / tokens).toFixed(2)})`,
        marks: [`set ${set}`],
      };
    },
  };
}
