/** @file Rolling hashes of all runs of 16 bytes of a text: what passages are looked up by. */

export const GRAM_BYTES = 16;

const BASE = 0x01000193;
/** BASE^GRAM_BYTES: what a byte weighs when it leaves the gram. */
const LEAVING = Array.from({ length: GRAM_BYTES }).reduce<number>((power) => Math.imul(power, BASE), 1);

/** Spreads a rolling hash over all its bits (the finaliser of MurmurHash3). */
function mix(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Calls `visit` with the 32-bit hash of every gram and the place where it begins. A callback: the loop is hot. */
export function eachGram(bytes: Uint8Array, visit: (hash: number, start: number) => void): void {
  let rolling = 0;
  for (let end = 0; end < bytes.length; end++) {
    rolling = (Math.imul(rolling, BASE) + bytes[end]! + 1) | 0;
    if (end >= GRAM_BYTES) rolling = (rolling - Math.imul(LEAVING, bytes[end - GRAM_BYTES]! + 1)) | 0;
    if (end >= GRAM_BYTES - 1) visit(mix(rolling), end - GRAM_BYTES + 1);
  }
}
