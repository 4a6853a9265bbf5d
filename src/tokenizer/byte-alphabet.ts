/**
 * @file The byte-level alphabet of GPT-2 (Radford et al., 2019), in which tokenizer files spell bytes: printable
 * Latin-1 characters stand for themselves, the other 68 bytes for U+0100 upwards, so that no token holds a space
 * or a control character.
 */
import { FirnError } from "../core/index.ts";

const PRINTABLE = [
  [33, 126],
  [161, 172],
  [174, 255],
] as const;

/** The character of each byte. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = PRINTABLE.some(([low, high]) => byte >= low && byte <= high);
    return String.fromCharCode(printable ? byte : next++);
  });
})();

/** The byte of each character of the alphabet; −1 for the other code units below U+0144. */
const BYTE_OF_UNIT: Int16Array = (() => {
  const bytes = new Int16Array(0x144).fill(-1);
  BYTE_CHARACTERS.forEach((character, byte) => {
    bytes[character.charCodeAt(0)] = byte;
  });
  return bytes;
})();

/** Whether UTF-8 ever uses `byte`; tokenizers trained on text may have no token for the 13 others. */
export function occursInText(byte: number): boolean {
  return byte !== 0xc0 && byte !== 0xc1 && byte < 0xf5;
}

/** Spells `bytes` in the alphabet. */
export function spellBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += BYTE_CHARACTERS[byte]!;
  return text;
}

/** The bytes that `text` spells, or `undefined` where a character is not of the alphabet. */
export function unspellBytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const byte = BYTE_OF_UNIT[text.charCodeAt(i)] ?? -1;
    if (byte < 0) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

/** Checks that a value really is text; everything that takes text from callers passes through here. */
export function requireText(value: unknown, where: string): asserts value is string {
  if (typeof value === "string") return;
  throw new FirnError("TOKENIZER_NOT_TEXT", {
    expected: "a string",
    got: value === null ? "null" : typeof value,
    where,
    next: "Pass text; decode bytes first, for example with new TextDecoder().",
  });
}
