/**
 * @file Goldfish loss (Hans et al. 2024): a hash of the last h labels decides which labels are never learnt, so that
 * no passage can be recited verbatim. Two hashes: Apertus' own, and one without its hole.
 */
import { z } from "zod";

/**
 * `product` is Apertus' (technical report §2.3, App. E; swiss-ai/Megatron-LM `gpt_dataset.py`). The product of 50 even
 * ids is 0 in 64 bits, and the table's first entry is never dropped: of uniformly random ids 9.4 % of the windows fall into
 * that hole, of text made of even ids all, so that it drops about 1.8 % instead of 2 %.
 * `murmur3` has no such windows: every bit of every id moves every bit of the hash.
 */
export const GoldfishConfig = z.strictObject({
  /** One label in k is dropped. */
  k: z.number().gt(1).default(50),
  /** Labels that the hash covers, the one it decides about included. */
  window: z.int().min(1).max(4096).default(50),
  hash: z.enum(["murmur3", "product"]).default("murmur3"),
});
export type GoldfishConfig = z.infer<typeof GoldfishConfig>;

/** Entries of the hash table and the seed it is drawn from. */
const TABLE_SIZE = 1_000_003;
const TABLE_SEED = 2_971_215_073;
/** 2³² and 2⁶⁴ modulo the table's size. */
const HIGH_32 = Number(2n ** 32n % BigInt(TABLE_SIZE));
const WRAP_64 = Number(2n ** 64n % BigInt(TABLE_SIZE));

/** The first `count` floats of PyTorch's CPU generator: MT19937, value = (word mod 2²⁴)·2⁻²⁴. */
function mersenneTwisterFloats(seed: number, count: number): Float32Array {
  const N = 624;
  const state = new Uint32Array(N);
  state[0] = seed >>> 0;
  for (let i = 1; i < N; i++) {
    const previous = state[i - 1]! ^ (state[i - 1]! >>> 30);
    state[i] = (Math.imul(previous, 1812433253) + i) >>> 0;
  }
  const floats = new Float32Array(count);
  let index = N;
  for (let i = 0; i < count; i++) {
    if (index === N) {
      for (let j = 0; j < N; j++) {
        const y = (state[j]! & 0x80000000) | (state[(j + 1) % N]! & 0x7fffffff);
        state[j] = state[(j + 397) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      index = 0;
    }
    let y = state[index++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    floats[i] = (y & 0xffffff) / 16777216;
  }
  return floats;
}

let sharedTable: Float32Array | undefined;

/** The table of 1,000,003 floats in [0, 1) that all goldfish masks share; drawn on first use. */
export function goldfishTable(): Float32Array {
  sharedTable ??= mersenneTwisterFloats(TABLE_SEED, TABLE_SIZE);
  return sharedTable;
}

/** The product of the labels `from` … `end` in wrapping signed 64-bit arithmetic, modulo the table's size. */
function productKey(labels: Int32Array, from: number, end: number): number {
  // The product as two 32-bit halves; ids are below 2²¹, so every partial product is exact in a double.
  let high = 0;
  let low = 1;
  for (let i = from; i <= end; i++) {
    const id = labels[i]!;
    const product = low * id;
    const carry = Math.floor(product / 4294967296);
    low = product - carry * 4294967296;
    high = (high * id + carry) % 4294967296;
  }
  const key = ((high % TABLE_SIZE) * HIGH_32 + (low % TABLE_SIZE)) % TABLE_SIZE;
  return high >= 2147483648 ? (key - WRAP_64 + TABLE_SIZE) % TABLE_SIZE : key;
}

/** MurmurHash3_x86_32 (Appleby, public domain) of the labels `from` … `end` as little-endian int32, with seed 0. */
export function murmurHash(labels: Int32Array, from: number, end: number): number {
  let hash = 0;
  for (let i = from; i <= end; i++) {
    let block = Math.imul(labels[i]!, 0xcc9e2d51);
    block = (block << 15) | (block >>> 17);
    hash ^= Math.imul(block, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  hash ^= 4 * (end - from + 1);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Which of a sequence's labels are dropped (1), by a hash of the `window` labels that end there. The first window − 1
 * labels are never dropped, and windows run across documents, both as in the original.
 */
export function goldfishMask(labels: Int32Array, { k, window, hash }: GoldfishConfig): Uint8Array {
  const mask = new Uint8Array(labels.length);
  const table = hash === "product" ? goldfishTable() : undefined;
  for (let end = window - 1; end < labels.length; end++) {
    const from = end - window + 1;
    const share =
      table === undefined
        ? murmurHash(labels, from, end) / 4294967296
        : table[productKey(labels, from, end)]!;
    if (share < 1 / k) mask[end] = 1;
  }
  return mask;
}
