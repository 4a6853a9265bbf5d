/**
 * @file A few rules that catch what is not running text: too short or long, mostly symbols or digits, or repeating
 * itself (after the repetition rules of Gopher, Rae et al. 2021, table A1).
 */
import { countCharacters } from "../../artifacts/index.ts";
import type { DocumentStep, Verdict } from "./step.ts";

export interface QualityRules {
  /** UTF-8 bytes; about as much content in every script, which characters are not. */
  readonly minBytes: number;
  readonly maxCharacters: number;
  /** Of visible characters: what is neither letter, mark nor number. */
  readonly maxSymbolShare: number;
  readonly maxDigitShare: number;
  /** Of the text, by characters, in lines that came before in the same document. */
  readonly maxRepeatedLineShare: number;
  /** Of the words, in runs of five words that came before. Only for documents of at least 50 words. */
  readonly maxRepeatedRunShare: number;
}

const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{M}\p{N}]+/gu;
/** Not letter, mark, number or space; nor the dots that part syllables in Tibetan and words in Ethiopic. */
const SYMBOL = /[^\p{L}\p{M}\p{N}\s\u0f0b\u0f0c\u1361]/gu;
const RUN = 5;
const MIN_WORDS = 50;

/** Share of `text` that lies in lines seen before (lines of at least three characters). */
export function repeatedLineShare(text: string): number {
  const seen = new Set<string>();
  let repeated = 0;
  let total = 0;
  for (const line of text.split("\n")) {
    const trimmed = line.trim();
    if (trimmed.length < 3) continue;
    total += trimmed.length;
    if (seen.has(trimmed)) repeated += trimmed.length;
    else seen.add(trimmed);
  }
  return total === 0 ? 0 : repeated / total;
}

/** Share of the words of `text` that lie in a run of five words seen before. */
export function repeatedRunShare(text: string): number {
  const words = text.toLowerCase().match(WORD) ?? [];
  if (words.length < MIN_WORDS) return 0;
  const seen = new Set<string>();
  let repeated = 0;
  let coveredTo = 0;
  for (let start = 0; start + RUN <= words.length; start++) {
    const run = words.slice(start, start + RUN).join(" ");
    if (seen.has(run)) {
      repeated += start + RUN - Math.max(coveredTo, start);
      coveredTo = start + RUN;
    } else {
      seen.add(run);
    }
  }
  return repeated / words.length;
}

/** Counts of the kinds of characters, in code points. */
function characterKinds(text: string): { symbols: number; digits: number; visible: number } {
  const symbols = text.match(SYMBOL)?.length ?? 0;
  const digits = text.match(/\p{Nd}/gu)?.length ?? 0;
  const spaces = text.match(/\s/gu)?.length ?? 0;
  return { symbols, digits, visible: Math.max(1, countCharacters(text) - spaces) };
}

/**
 * Reasons: `too-short`, `too-long`, `symbols`, `digits`, `repeated-lines`, `repeated-runs`; the detail is the measured
 * value.
 */
export function qualityStep(rules: QualityRules): DocumentStep {
  const over = (reason: string, value: number, limit: number): Verdict | undefined =>
    value > limit ? { reason, detail: value.toFixed(3) } : undefined;
  return {
    name: "quality",
    judge(document) {
      if (document.bytes < rules.minBytes) return { reason: "too-short", detail: `${document.bytes} bytes` };
      if (document.characters > rules.maxCharacters) {
        return { reason: "too-long", detail: `${document.characters} characters` };
      }
      const { symbols, digits, visible } = characterKinds(document.text);
      return (
        over("symbols", symbols / visible, rules.maxSymbolShare) ??
        over("digits", digits / visible, rules.maxDigitShare) ??
        over("repeated-lines", repeatedLineShare(document.text), rules.maxRepeatedLineShare) ??
        over("repeated-runs", repeatedRunShare(document.text), rules.maxRepeatedRunShare) ?? {
          keep: document,
        }
      );
    },
  };
}
