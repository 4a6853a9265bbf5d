/** @file Keeps the languages a recipe asks for. */
import type { DocumentStep } from "./step.ts";

/**
 * `wanted` holds ISO 639-3 codes, perhaps with a script (`srp_Cyrl`); all languages pass when it is left out.
 * Reasons: `language-not-selected`, `script-not-selected`, `language-unknown`.
 */
export function selectLanguageStep(wanted: readonly string[] | undefined): DocumentStep {
  const languages = new Set(wanted?.map((label) => label.slice(0, 3)));
  const labels = new Set(wanted);
  return {
    name: "select-language",
    judge(document) {
      if (wanted === undefined) return { keep: document };
      const { language, script } = document;
      if (language === null || language === "und") return { reason: "language-unknown" };
      if (labels.has(language) || labels.has(`${language}_${script}`)) return { keep: document };
      if (!languages.has(language)) return { reason: "language-not-selected", detail: language };
      return { reason: "script-not-selected", detail: `${language}_${script}` };
    },
  };
}
