/**
 * @file Which language and script a document is in: checks what its source declares, decides where it declares
 * nothing.
 */
import type { Identification } from "../language/identifier.ts";
import { dominantScript } from "../language/script.ts";
import type { DocumentStep } from "./step.ts";

/** A declaration is only contradicted on this many letters … */
const MIN_LETTERS = 100;
/** … when the identifier is this sure of another language … */
const SURE = 0.9;
/** … that shares less than this of its n-grams: Croatian and Bosnian (0.9) are not told apart against a source. */
const NEIGHBOURS = 0.5;
/** What the step asks: the identifier that learns from declared text, or a fastText model. */
export interface StepIdentifier {
  readonly labels: readonly string[];
  identifyAgainst(
    text: string,
    declaredLanguage: string | undefined,
  ): { found: Identification; declaredScore: number | undefined };
  /** How alike two labels are, in [0, 1]. */
  overlap(a: string, b: string): number;
}

/** From which probability on undeclared text is taken for a language; below it stays `und`. */
export interface LanguageThresholds {
  readonly minScore: number;
  /** By ISO 639-3, instead of `minScore`. */
  readonly thresholds: Readonly<Record<string, number>>;
}

/**
 * Sets language, script and score. Reasons: `language-mismatch` when the text is plainly in another language than
 * declared, `script-mismatch` likewise.
 */
export function identifyLanguageStep(
  identifier: StepIdentifier,
  { minScore, thresholds }: LanguageThresholds,
): DocumentStep {
  const overlaps = new Map<string, number>();
  /** The highest overlap of `label` with any label of `language`. */
  const overlapWith = (language: string, label: string): number => {
    const pair = `${language}>${label}`;
    let overlap = overlaps.get(pair);
    if (overlap === undefined) {
      const own = identifier.labels.filter((name) => name.startsWith(language));
      overlap = Math.max(0, ...own.map((name) => identifier.overlap(name, label)));
      overlaps.set(pair, overlap);
    }
    return overlap;
  };
  return {
    name: "language",
    judge(document) {
      const { declaredLanguage } = document;
      const written = dominantScript(document.text);
      const script = written.script === "Zyyy" ? document.script : written.script;
      const { found, declaredScore } = identifier.identifyAgainst(
        document.text,
        declaredLanguage ?? undefined,
      );
      if (declaredLanguage === null) {
        const language = found.score >= (thresholds[found.language] ?? minScore) ? found.language : "und";
        return { keep: { ...document, language, script, languageScore: found.score } };
      }
      const enough = written.letters >= MIN_LETTERS;
      if (
        enough &&
        document.script !== null &&
        script !== document.script &&
        !sameWriting(script, document.script)
      ) {
        return { reason: "script-mismatch", detail: `declared ${document.script}, written in ${script}` };
      }
      const other = found.language !== "und" && found.language !== declaredLanguage && found.score >= SURE;
      // A declared language that the model has not learnt cannot be judged.
      if (
        enough &&
        other &&
        declaredScore !== undefined &&
        overlapWith(declaredLanguage, found.label) < NEIGHBOURS
      ) {
        const detail = `declared ${declaredLanguage}, reads as ${found.label} (${found.score.toFixed(3)})`;
        return { reason: "language-mismatch", detail };
      }
      return {
        keep: { ...document, language: declaredLanguage, script, languageScore: declaredScore ?? null },
      };
    },
  };
}

/** Codes for the same characters: simplified and traditional Han, Japanese with and without kana, Korean mixed. */
function sameWriting(a: string | null, b: string): boolean {
  const han = ["Hani", "Hans", "Hant", "Jpan", "Kore", "Hira", "Kana", "Hrkt"];
  const hangul = ["Hang", "Kore"];
  return a !== null && [han, hangul].some((group) => group.includes(a) && group.includes(b));
}
