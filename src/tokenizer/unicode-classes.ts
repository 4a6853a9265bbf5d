/**
 * @file Which letters are letters. Pre-tokenisation must cut text in the same places on every machine, so the
 * classes of characters come from a table in this repository (Unicode 16.0, as in Hugging Face's `tokenizers`
 * 0.23) and not from the Unicode version that a particular JavaScript engine happens to carry.
 */
import { UNICODE_CLASS_RUNS } from "./unicode-classes.data.ts";

/** Every code point is in exactly one of these. */
export const CHARACTER_CLASS = {
  other: 0,
  uppercase: 1,
  titlecase: 2,
  modifierLetter: 3,
  otherLetter: 4,
  lowercase: 5,
  mark: 6,
  number: 7,
  /** White space that does not end a line. */
  space: 8,
  /** CR and LF. */
  newline: 9,
} as const;
export type CharacterClass = (typeof CHARACTER_CLASS)[keyof typeof CHARACTER_CLASS];

let table: Uint8Array | undefined;

/**
 * The class of every code point, one byte each. The stored text is run-length coded: a length in base 36
 * (nothing for 1) and then a letter, `A` for class 0, `B` for class 1 and so on.
 */
export function characterClasses(): Uint8Array {
  if (table !== undefined) return table;
  table = new Uint8Array(0x110000);
  let position = 0;
  for (const [, length, letter] of UNICODE_CLASS_RUNS.matchAll(/([0-9a-z]*)([A-J])/g)) {
    const end = position + (length === "" ? 1 : Number.parseInt(length!, 36));
    table.fill(letter!.charCodeAt(0) - 65, position, end);
    position = end;
  }
  return table;
}

/** The inside of a regular expression's `[…]` (flag `u`) that matches exactly the characters of `classes`. */
export function classRanges(classes: readonly CharacterClass[]): string {
  const all = characterClasses();
  const wanted = new Set<number>(classes);
  let ranges = "";
  for (let start = 0; start < all.length; ) {
    let end = start + 1;
    if (!wanted.has(all[start]!)) {
      start = end;
      continue;
    }
    while (end < all.length && wanted.has(all[end]!)) end += 1;
    ranges += `\\u{${start.toString(16)}}`;
    if (end - start > 1) ranges += `-\\u{${(end - 1).toString(16)}}`;
    start = end;
  }
  return ranges;
}
