/**
 * @file One form for the same text: Unicode NFC, line feeds, no control characters, no stray spaces. The tokenizer
 * does not normalise (as Apertus' does not), so what the model sees is decided here. NFC is what the web should
 * carry (W3C Character Model) and what FineWeb-2's ftfy makes; compatibility forms (NFKC) are left alone because they
 * change meaning (x² is not x2).
 */
import { withText } from "../../artifacts/index.ts";
import type { DocumentStep } from "./step.ts";

/** More than one U+FFFD in this many characters: the text was decoded wrongly before it came here. */
const CHARACTERS_PER_REPLACEMENT = 200;

/** C0 and C1 controls but tab and line feed, soft hyphens, byte order marks, noncharacters. */
const UNWANTED =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\ufeff\ufdd0-\ufdef\ufffe\uffff]/gu;
/** Carriage returns, NEL, line and paragraph separator. */
const LINE_ENDS = /\r\n?|\u0085|\u2028|\u2029/g;

/** The normal form of `text`. Applying it twice changes nothing more. */
export function normaliseText(text: string): string {
  return text
    .replace(LINE_ENDS, "\n")
    .replace(UNWANTED, "")
    .normalize("NFC")
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .replace(/^\n+|\n+$/g, "");
}

/** Reasons: `empty`, `broken-encoding`. */
export const normaliseStep: DocumentStep = {
  name: "normalise",
  judge(document) {
    const text = normaliseText(document.text);
    if (text.trim() === "") return { reason: "empty" };
    const replacements = text.match(/\ufffd/g)?.length ?? 0;
    if (replacements * CHARACTERS_PER_REPLACEMENT > text.length) {
      return { reason: "broken-encoding", detail: `${replacements} characters lost in decoding` };
    }
    return { keep: withText(document, text) };
  },
};
