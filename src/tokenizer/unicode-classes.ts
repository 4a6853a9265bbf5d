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

/** Code points `[start, end)` of one class. */
export interface ClassRun {
  readonly start: number;
  readonly end: number;
  readonly class: number;
}

let runs: readonly ClassRun[] | undefined;

/**
 * All code points in order, in runs of the same class. The stored text has a length in base 36 (nothing for 1) and
 * then a letter, `A` for class 0, `B` for class 1 and so on.
 */
export function classRuns(): readonly ClassRun[] {
  if (runs !== undefined) return runs;
  let start = 0;
  runs = Array.from(UNICODE_CLASS_RUNS.matchAll(/([0-9a-z]*)([A-J])/g), ([, length, letter]) => {
    const run = {
      start,
      end: start + (length === "" ? 1 : Number.parseInt(length!, 36)),
      class: letter!.charCodeAt(0) - 65,
    };
    start = run.end;
    return run;
  });
  return runs;
}
