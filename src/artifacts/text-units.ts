/**
 * @file Text as a row of units that compare equal however they are written: words, and single characters in the scripts
 * that put no space between words. Case, width, combining form, punctuation, layout and invisible characters make no
 * difference. The rule uses Unicode's properties alone, so that it is the same in every program that reads a filter.
 */

export interface TextUnit {
  /** What is compared: NFKC, full case folding by way of upper case, no format characters. */
  readonly folded: string;
  /** UTF-16 offset of its first character. */
  readonly start: number;
  /** UTF-16 offset behind its last character. */
  readonly end: number;
}

const UNSPACED =
  "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}\\p{Script=Tibetan}";
/**
 * A character of an unspaced script with its marks, or a run of other letters, digits, marks and format characters. Both
 * are bounded, so that a word that never ends is read once and held back no further than its last part.
 */
const UNIT = new RegExp(
  `[${UNSPACED}][\\p{M}\\p{Cf}]{0,8}|(?:(?![${UNSPACED}])[\\p{L}\\p{N}\\p{M}\\p{Cf}]){1,64}`,
  "gu",
);
const INVISIBLE = /\p{Cf}+/gu;

function fold(unit: string): string {
  // Upper case first: `ß` and `ſ` have no lower form that equals `ss` and `s`.
  return unit.normalize("NFKC").replace(INVISIBLE, "").toUpperCase().toLowerCase().normalize("NFKC");
}

/**
 * The units of `text` from left to right. A unit that touches the end may go on in text that is not there yet; its
 * `end` then equals `text.length`.
 */
export function* textUnits(text: string): Generator<TextUnit, void, void> {
  for (const match of text.matchAll(UNIT)) {
    const folded = fold(match[0]);
    // Lone format characters are nothing to read.
    if (folded !== "") yield { folded, start: match.index, end: match.index + match[0].length };
  }
}
