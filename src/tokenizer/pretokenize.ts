/**
 * @file Cutting text into the pieces inside which byte pairs may merge. The rules of Apertus (those of Mistral's
 * tekken; technical report §2.2) are a scanner over UTF-8 bytes with the exact meaning of their regular
 * expression; rules of other tokenizer files run as regular expressions (`pattern.ts`).
 */
import { CHARACTER_CLASS, characterClasses } from "./unicode-classes.ts";

/** The regular expression of Apertus' `tokenizer.json`, in Oniguruma's notation. Its first match wins. */
export const APERTUS_PATTERN = [
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`,
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`,
  String.raw`\p{N}`,
  String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`,
  String.raw`\s*[\r\n]+`,
  String.raw`\s+(?!\S)`,
  String.raw`\s+`,
].join("|");

/** Gets one piece: `bytes[start … end)`. The bytes are only valid during the call. */
export type PieceVisitor = (bytes: Uint8Array, start: number, end: number) => void;

/** Cuts text into pieces and hands them over as UTF-8, in order. Unpaired surrogates become U+FFFD. */
export interface PreTokenizer {
  forEachPiece(text: string, visit: PieceVisitor): void;
}

/** In `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`. */
const UPPER = 1;
/** In `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`. */
const LOWER = 2;
/** In `[^\r\n\p{L}\p{N}]`: may stand before a word. */
const LEAD = 4;
/** In `[^\s\p{L}\p{N}]`. */
const SYMBOL = 8;
const SPACE = 16;
const NEWLINE = 32;
const NUMBER = 64;

const FLAGS_OF_CLASS: Readonly<Record<number, number>> = {
  [CHARACTER_CLASS.other]: LEAD | SYMBOL,
  [CHARACTER_CLASS.uppercase]: UPPER,
  [CHARACTER_CLASS.titlecase]: UPPER,
  [CHARACTER_CLASS.modifierLetter]: UPPER | LOWER,
  [CHARACTER_CLASS.otherLetter]: UPPER | LOWER,
  [CHARACTER_CLASS.lowercase]: LOWER,
  [CHARACTER_CLASS.mark]: UPPER | LOWER | LEAD | SYMBOL,
  [CHARACTER_CLASS.number]: NUMBER,
  [CHARACTER_CLASS.space]: LEAD | SPACE,
  [CHARACTER_CLASS.newline]: SPACE | NEWLINE,
};

let flagTable: Uint8Array | undefined;

function characterFlags(): Uint8Array {
  flagTable ??= characterClasses().map((characterClass) => FLAGS_OF_CLASS[characterClass]!);
  return flagTable;
}

/** Bytes of the UTF-8 sequence that starts with `lead`. */
function sequenceLength(lead: number): number {
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** Flags of the character at `at`; the bytes are valid UTF-8. */
function flagsAt(flags: Uint8Array, bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return flags[lead]!;
  if (lead < 0xe0) return flags[((lead & 0x1f) << 6) | (bytes[at + 1]! & 0x3f)]!;
  const middle = ((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f);
  if (lead < 0xf0) return flags[((lead & 0x0f) << 12) | middle]!;
  return flags[((lead & 0x07) << 18) | (middle << 6) | (bytes[at + 3]! & 0x3f)]!;
}

/**
 * Alternatives 1 and 2, the words: the end of the match at `start`, `start` itself when neither matches, or −1
 * when that depends on what comes after `limit`. Backtracking is worked out beforehand: a greedy run of UPPER
 * that no LOWER character follows gives back up to its last character that is both.
 */
function wordEnd(flags: Uint8Array, bytes: Uint8Array, start: number, limit: number, last: boolean): number {
  const first = flagsAt(flags, bytes, start);
  const afterFirst = start + sequenceLength(bytes[start]!);
  const begin = (first & LEAD) !== 0 ? afterFirst : start;
  let at = begin;
  let afterBoth = -1;
  let current = 0;
  while (at < limit) {
    current = flagsAt(flags, bytes, at);
    if ((current & UPPER) === 0) break;
    at += sequenceLength(bytes[at]!);
    if ((current & LOWER) !== 0) afterBoth = at;
  }
  if (at < limit && (current & LOWER) !== 0) {
    while (at < limit && (flagsAt(flags, bytes, at) & LOWER) !== 0) at += sequenceLength(bytes[at]!);
    return at < limit || last ? at : -1;
  }
  if (at >= limit && !last) return -1;
  if (afterBoth >= 0) return afterBoth;
  // A mark can be the lead or the word; when nothing fits behind it as lead, alternative 1 takes it as the word.
  if ((first & LEAD) !== 0 && (first & UPPER) !== 0) return afterFirst;
  return at > begin ? at : start;
}

/** Alternative 4, symbols with the line ends and slashes behind them; like `wordEnd`. */
function symbolsEnd(
  flags: Uint8Array,
  bytes: Uint8Array,
  start: number,
  limit: number,
  last: boolean,
): number {
  let at = bytes[start] === 0x20 ? start + 1 : start;
  const begin = at;
  while (at < limit && (flagsAt(flags, bytes, at) & SYMBOL) !== 0) at += sequenceLength(bytes[at]!);
  if (at > begin) {
    while (at < limit && (bytes[at] === 0x0d || bytes[at] === 0x0a || bytes[at] === 0x2f)) at += 1;
  }
  if (at >= limit && !last) return -1;
  return at > begin ? at : start;
}

/** Alternatives 5–7, white space: up to its last line end, or all but the space that belongs to the next word. */
function spaceEnd(flags: Uint8Array, bytes: Uint8Array, start: number, limit: number, last: boolean): number {
  let at = start;
  let lastCharacter = start;
  let afterNewline = -1;
  while (at < limit) {
    const current = flagsAt(flags, bytes, at);
    if ((current & SPACE) === 0) break;
    lastCharacter = at;
    at += sequenceLength(bytes[at]!);
    if ((current & NEWLINE) !== 0) afterNewline = at;
  }
  if (at >= limit && !last) return -1;
  if (afterNewline >= 0) return afterNewline;
  if (at >= limit || lastCharacter === start) return at;
  return lastCharacter;
}

/** Code units of text turned into bytes at a time. */
const SLICE_UNITS = 1 << 15;
const LARGEST_KEPT_BUFFER = 1 << 20;

/** The pre-tokenizer of Apertus. Time is linear in the text, memory in its longest piece. Not re-entrant. */
export class ApertusPreTokenizer implements PreTokenizer {
  readonly #flags = characterFlags();
  readonly #encoder = new TextEncoder();
  #buffer = new Uint8Array(4 * SLICE_UNITS);

  forEachPiece(text: string, visit: PieceVisitor): void {
    let used = 0;
    let position = 0;
    while (position < text.length) {
      // A piece longer than the buffer is scanned again with at least twice as much text: linear in the end.
      let end = Math.min(position + Math.max(SLICE_UNITS, used), text.length);
      const unit = text.charCodeAt(end - 1);
      if (end < text.length && unit >= 0xd800 && unit < 0xdc00) end -= 1;
      const slice = position === 0 && end === text.length ? text : text.slice(position, end);
      this.#reserve(used, 3 * slice.length);
      const limit = used + this.#encoder.encodeInto(slice, this.#buffer.subarray(used)).written;
      position = end;
      const done = this.#scan(limit, position === text.length, visit);
      this.#buffer.copyWithin(0, done, limit);
      used = limit - done;
    }
    if (this.#buffer.length > LARGEST_KEPT_BUFFER) this.#buffer = new Uint8Array(4 * SLICE_UNITS);
  }

  /** Hands over the pieces of the buffer that are sure and returns where the first unsure one starts. */
  #scan(limit: number, last: boolean, visit: PieceVisitor): number {
    const flags = this.#flags;
    const bytes = this.#buffer;
    let start = 0;
    while (start < limit) {
      const first = flagsAt(flags, bytes, start);
      let end = start;
      if ((first & NUMBER) !== 0) end = start + sequenceLength(bytes[start]!);
      if (end === start && (first & (UPPER | LOWER | LEAD)) !== 0)
        end = wordEnd(flags, bytes, start, limit, last);
      if (end === start) end = symbolsEnd(flags, bytes, start, limit, last);
      if (end === start) end = spaceEnd(flags, bytes, start, limit, last);
      if (end < 0) break;
      visit(bytes, start, end);
      start = end;
    }
    return start;
  }

  #reserve(used: number, more: number): void {
    if (used + more <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#buffer.length, used + more));
    grown.set(this.#buffer.subarray(0, used));
    this.#buffer = grown;
  }
}
