/**
 * @file A text as numbers that two copies of it share, whatever the language around its formulas: words without regard
 * to case, and each digit, sign and character of unspaced scripts by itself. Apertus compares tokens of its tokenizer
 * (technical report §4.1.2); documents come before the tokenizer here, and as there a formula weighs more than a word.
 */

const SPACE = 0;
const LETTER = 1;
const ALONE = 2;

const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}\u30fc]/u;

interface UnitTable {
  readonly kinds: Uint8Array;
  readonly folded: Uint16Array;
}

/** What each UTF-16 unit is; halves of surrogate pairs are letters, so that a pair is one word. */
function makeTable(): UnitTable {
  const kinds = new Uint8Array(65_536);
  const folded = new Uint16Array(65_536);
  for (let unit = 0; unit < 65_536; unit++) {
    const character = String.fromCharCode(unit);
    const lower = character.toLowerCase();
    folded[unit] = lower.length === 1 ? lower.charCodeAt(0) : unit;
    if (unit >= 0xd800 && unit <= 0xdfff) kinds[unit] = LETTER;
    else if (/[\s\p{C}]/u.test(character)) kinds[unit] = SPACE;
    else if (/[\p{L}\p{M}]/u.test(character) && !UNSPACED.test(character)) kinds[unit] = LETTER;
    else kinds[unit] = ALONE;
  }
  return { kinds, folded };
}

let table: UnitTable | undefined;

/** The tokens of `text` as 32-bit hashes, in order. */
export function contentTokens(text: string): Int32Array {
  table ??= makeTable();
  const { kinds, folded } = table;
  const tokens = new Int32Array(text.length);
  let count = 0;
  let hash = 0;
  let inWord = false;
  const push = (value: number): void => {
    // MurmurHash3's finaliser: neighbouring characters get unrelated numbers.
    value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
    value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
    tokens[count++] = value ^ (value >>> 16);
  };
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (kinds[unit] === LETTER) {
      hash = Math.imul((inWord ? hash : 0x811c9dc5) ^ folded[unit]!, 0x01000193);
      inWord = true;
      continue;
    }
    if (inWord) push(hash);
    inWord = false;
    if (kinds[unit] === ALONE) push(folded[unit]!);
  }
  if (inWord) push(hash);
  return tokens.subarray(0, count);
}
