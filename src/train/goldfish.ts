/**
 * @file Goldfish loss (Hans et al. 2024): a hash of the last h labels decides which labels are never learnt, so that
 * no passage can be recited verbatim. The hash is Apertus' (technical report §2.3, App. E; swiss-ai/Megatron-LM
 * `gpt_dataset.py`).
 */

/** Entries of the hash table and the seed it is drawn from. */
const TABLE_SIZE = 1_000_003;
const TABLE_SEED = 2_971_215_073;

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

/**
 * Which of a sequence's labels are dropped: 1 where table[key] < 1/k, key = product of the `window` labels that end
 * here, in wrapping signed 64-bit arithmetic, modulo the table's size. The first window − 1 labels are never
 * dropped, and windows run across documents, both as in the original.
 */
export function goldfishMask(labels: Int32Array, k: number, window: number): Uint8Array {
  const table = goldfishTable();
  const mask = new Uint8Array(labels.length);
  // 2⁶⁴ mod M: what a negative product has to be lowered by.
  const wrap = Number(2n ** 64n % BigInt(TABLE_SIZE));
  const high32 = Number(2n ** 32n % BigInt(TABLE_SIZE));
  for (let end = window - 1; end < labels.length; end++) {
    // The product as two 32-bit halves; ids are below 2²¹, so every partial product is exact in a double.
    let high = 0;
    let low = 1;
    for (let i = end - window + 1; i <= end; i++) {
      const id = labels[i]!;
      const product = low * id;
      const carry = Math.floor(product / 4294967296);
      low = product - carry * 4294967296;
      high = (high * id + carry) % 4294967296;
    }
    let key = ((high % TABLE_SIZE) * high32 + (low % TABLE_SIZE)) % TABLE_SIZE;
    if (high >= 2147483648) key = (key - wrap + TABLE_SIZE) % TABLE_SIZE;
    if (table[key]! < 1 / k) mask[end] = 1;
  }
  return mask;
}
