/**
 * @file Which language and script a document is in: checks what its source declares, decides where it declares
 * nothing.
 */
import type { LanguageIdentifier } from "../language/identifier.ts";
import { dominantScript } from "../language/script.ts";
import type { DocumentStep } from "./step.ts";

/** A declaration is only contradicted on this many letters … */
const MIN_LETTERS = 100;
/** … when the identifier is this sure of another language … */
const SURE = 0.9;
/** … and gives the declared one less than this. */
const HOPELESS = 0.02;
/** Undeclared text below this probability stays `und`. */
const MIN_SCORE = 0.5;

/**
 * Sets language, script and score. Reasons: `language-mismatch` when the text is plainly in another language than
 * declared, `script-mismatch` likewise.
 */
export function identifyLanguageStep(identifier: LanguageIdentifier): DocumentStep {
  return {
    name: "language",
    judge(document) {
      const written = dominantScript(document.text);
      const script = written.script === "Zyyy" ? document.script : written.script;
      const { found, declared } = identifier.identifyAgainst(document.text, document.declaredLanguage ?? undefined);
      if (document.declaredLanguage === null) {
        const language = found.score >= MIN_SCORE ? found.language : "und";
        return { keep: { ...document, language, script, languageScore: found.score } };
      }
      const enough = written.letters >= MIN_LETTERS;
      if (enough && document.script !== null && script !== document.script && !sameWriting(script, document.script)) {
        return { reason: "script-mismatch", detail: `declared ${document.script}, written in ${script}` };
      }
      const wrong = found.language !== "und" && found.language !== document.declaredLanguage;
      if (enough && wrong && found.score >= SURE && declared !== undefined && declared < HOPELESS) {
        const detail = `declared ${document.declaredLanguage}, reads as ${found.label} (${found.score.toFixed(3)})`;
        return { reason: "language-mismatch", detail };
      }
      const keep = { ...document, language: document.declaredLanguage, script, languageScore: declared ?? null };
      return { keep };
    },
  };
}

/** Codes for the same characters: simplified and traditional Han, Japanese with and without kana, Korean mixed. */
function sameWriting(a: string | null, b: string): boolean {
  const han = ["Hani", "Hans", "Hant", "Jpan", "Kore", "Hira", "Kana", "Hrkt"];
  const hangul = ["Hang", "Kore"];
  return a !== null && [han, hangul].some((group) => group.includes(a) && group.includes(b));
}
