/** @file The order of bytes in training. */
import { BYTE_CHARACTERS } from "./byte-alphabet.ts";

/** The bytes ordered by their character in the byte-level alphabet. */
export const BYTE_ORDER: readonly number[] = Array.from({ length: 256 }, (_, byte) => byte).sort(
  (a, b) => BYTE_CHARACTERS[a]!.charCodeAt(0) - BYTE_CHARACTERS[b]!.charCodeAt(0),
);
