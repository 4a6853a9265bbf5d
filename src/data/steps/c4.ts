/**
 * @file C4's cleaning of web pages (Raffel et al. 2020, §2.2): lines that are no sentences go, pages that are no prose
 * go. Its list of bad words is not used: it removed text about minorities far more than toxic text (Dodge et al. 2021).
 */
import { withText } from "../../artifacts/index.ts";
import type { C4Config } from "../quality/config.ts";
import { wordsOf } from "../quality/words.ts";
import type { DocumentStep } from "./step.ts";

const TERMINAL = /[.!?。!?؟।።။។۔…]["'”’»)\]]*$/u;
const POLICY =
  /terms of use|privacy policy|cookie policy|uses cookies|use of cookies|use cookies|(?:enable|activate|requires?) javascript|javascript (?:is|must|has)/i;
/** Marks of Wikipedia's footnotes. */
const CITATION = /\[(?:\d{1,3}|edit|citation needed)\]/gi;
const SENTENCE_END =
  /[.!?。!?؟।።။។۔…]+["'”’»)\]]*(?=\s|$|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])/gu;

function keepsLine(line: string, config: C4Config): boolean {
  const trimmed = line.trim();
  if (trimmed === "") return true;
  if (config.terminalPunctuation && (!TERMINAL.test(trimmed) || trimmed.endsWith("..."))) return false;
  if (POLICY.test(trimmed)) return false;
  const words = wordsOf(trimmed);
  return (
    words.length >= config.minLineWords && words.every((word) => word.length <= config.maxWordCharacters)
  );
}

/** Takes lines out of texts. Reasons: `lorem-ipsum`, `curly-bracket`, `no-lines`, `few-sentences`. */
export function c4Step(config: C4Config): DocumentStep {
  return {
    name: "c4",
    judge(document) {
      if (/lorem ipsum/i.test(document.text)) return { reason: "lorem-ipsum" };
      if (/[{}]/.test(document.text)) return { reason: "curly-bracket" };
      const lines = document.text.split("\n").filter((line) => keepsLine(line, config));
      const text = lines
        .join("\n")
        .replace(CITATION, "")
        .replace(/\n{3,}/g, "\n\n")
        .trim();
      if (text === "") return { reason: "no-lines" };
      const sentences = text.match(SENTENCE_END)?.length ?? 0;
      if (sentences < config.minSentences) {
        return { reason: "few-sentences", detail: `${sentences} < ${config.minSentences}` };
      }
      return { keep: text === document.text ? document : withText(document, text) };
    },
  };
}
