/** @file Tokens by their bytes, for finding the longest one that a text starts with. */

import { assert } from "../core/index.ts";

const NONE = -1;

/** A token and what it spells. */
export interface SpeltToken {
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** Words per slot: 256 · node + byte (−1 when free; so there may be 2²⁴ − 1 nodes), the child, the token that ends there. */
const STRIDE = 4;
const MOST_NODES = 2 ** 24;

/** The bytes alone are tokens, so there is a longest token wherever there is text. */
export class TokenTrie {
  #slots = new Int32Array(STRIDE << 12).fill(NONE);
  #mask = (1 << 12) - 1;
  /** Node 0 is the root. */
  #nodes = 1;
  readonly #lengths: Int32Array;
  readonly #shorter: Int32Array;
  /** The slot of each pair of bytes, −1 where no token starts with it: look-ups begin here. */
  readonly #slotOfPair = new Int32Array(65536);
  readonly #tokenOfByte: Int32Array;

  /** A trie of the tokens of the 256 bytes and of `tokens`, which are longer; no two spell the same. */
  constructor(tokenOfByte: Int32Array, tokens: readonly SpeltToken[]) {
    const size = tokens.reduce((largest, { id }) => Math.max(largest, id), Math.max(...tokenOfByte)) + 1;
    this.#lengths = new Int32Array(size);
    this.#shorter = new Int32Array(size).fill(NONE);
    this.#tokenOfByte = tokenOfByte;
    for (const [byte, id] of tokenOfByte.entries()) this.#add({ id, bytes: Uint8Array.of(byte) });
    for (const token of tokens.toSorted((a, b) => a.bytes.length - b.bytes.length)) this.#add(token);
    for (let pair = 0; pair < 65536; pair++) {
      this.#slotOfPair[pair] = this.#find(this.#slots[this.#find(0, pair >> 8) + 1]!, pair & 255);
    }
  }

  /** How many bytes `token` has. */
  lengthOf(token: number): number {
    return this.#lengths[token]!;
  }

  /** The longest token that is a beginning of `token`, or −1. */
  shorter(token: number): number {
    return this.#shorter[token]!;
  }

  /** The longest token that `bytes[at … end)` starts with; −1 at the end. */
  longest(bytes: Uint8Array, at: number, end: number): number {
    if (at >= end) return NONE;
    let found = this.#tokenOfByte[bytes[at]!]!;
    if (at + 1 === end) return found;
    const slots = this.#slots;
    let slot = this.#slotOfPair[(bytes[at]! << 8) | bytes[at + 1]!]!;
    for (let i = at + 2; slot >= 0; i++) {
      const token = slots[slot + 2]!;
      if (token !== NONE) found = token;
      if (i === end || slots[slot + 3] === NONE) break;
      slot = this.#find(slots[slot + 1]!, bytes[i]!);
    }
    return found;
  }

  /** The slot of a child, −1 when there is none. */
  #find(node: number, byte: number): number {
    const slots = this.#slots;
    const key = (node << 8) | byte;
    for (let at = hashOf(key) & this.#mask; ; at = (at + 1) & this.#mask) {
      const known = slots[STRIDE * at]!;
      if (known === key) return STRIDE * at;
      if (known === NONE) return NONE;
    }
  }

  /** Its beginnings are in the trie already. */
  #add({ id, bytes }: SpeltToken): void {
    assert(
      this.#nodes + bytes.length < MOST_NODES,
      "more text in the tokens than the check of their file lets pass",
    );
    while (3 * (this.#nodes + bytes.length) > 2 * this.#mask) this.#grow();
    let node = 0;
    let last = NONE;
    for (const byte of bytes) {
      let slot = this.#find(node, byte);
      if (slot === NONE) {
        if (last !== NONE) this.#slots[last + 3] = 1;
        slot = this.#link(node, byte);
      } else if (this.#slots[slot + 2] !== NONE) this.#shorter[id] = this.#slots[slot + 2]!;
      last = slot;
      node = this.#slots[slot + 1]!;
    }
    this.#slots[last + 2] = id;
    this.#lengths[id] = bytes.length;
  }

  /** Makes a child and returns its slot. */
  #link(node: number, byte: number): number {
    const slot = this.#free((node << 8) | byte);
    this.#slots[slot] = (node << 8) | byte;
    this.#slots[slot + 1] = this.#nodes++;
    return slot;
  }

  #free(key: number): number {
    let at = hashOf(key) & this.#mask;
    while (this.#slots[STRIDE * at] !== NONE) at = (at + 1) & this.#mask;
    return STRIDE * at;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * old.length).fill(NONE);
    this.#mask = 2 * this.#mask + 1;
    for (let slot = 0; slot < old.length; slot += STRIDE) {
      if (old[slot] !== NONE) this.#slots.set(old.subarray(slot, slot + STRIDE), this.#free(old[slot]!));
    }
  }
}

function hashOf(key: number): number {
  const hash = Math.imul(key, 0x9e3779b1);
  return hash ^ (hash >>> 15);
}
