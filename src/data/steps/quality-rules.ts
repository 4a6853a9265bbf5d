/** @file The rules of Gopher and FineWeb with the values of each document's own language. */
import type { QualityRulesConfig } from "../quality/config.ts";
import type { LanguageValues, QualityValues } from "../quality/learn-values.ts";
import { measureQuality, QUALITY_RULES } from "../quality/rules.ts";
import type { DocumentStep } from "./step.ts";

/**
 * Reasons: `few-words`, `many-words`, the names of `QUALITY_RULES`, `few-stop-words`; the detail is the measured number
 * and the value that it breaks.
 */
export function qualityRulesStep(
  { minWords, maxWords, minStopWords }: QualityRulesConfig,
  { languages, others }: QualityValues,
): DocumentStep {
  const prepare = ({ values, stopWords }: LanguageValues) => ({
    limits: QUALITY_RULES.map(({ name }) => values[name]!),
    stopWords: new Set(stopWords),
  });
  const known = new Map(Object.entries(languages).map(([language, values]) => [language, prepare(values)]));
  const rest = prepare(others);
  return {
    name: "quality-rules",
    judge(document) {
      const { words, values } = measureQuality(document.text);
      if (words.length < minWords) return { reason: "few-words", detail: `${words.length} < ${minWords}` };
      if (words.length > maxWords) return { reason: "many-words", detail: `${words.length} > ${maxWords}` };
      const { limits, stopWords } = known.get(document.language ?? "und") ?? rest;
      for (const [i, { name, kind }] of QUALITY_RULES.entries()) {
        const value = values[i]!;
        const limit = limits[i]!;
        if (kind === "max" ? value <= limit : value >= limit) continue;
        return { reason: name, detail: `${value.toFixed(3)} ${kind === "max" ? ">" : "<"} ${limit}` };
      }
      if (stopWords.size === 0) return { keep: document };
      const found = new Set(words.filter((word) => stopWords.has(word))).size;
      if (found >= minStopWords) return { keep: document };
      return { reason: "few-stop-words", detail: `${found} < ${minStopWords}` };
    },
  };
}
