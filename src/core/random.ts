/**
 * @file Randomness by label. Every random choice in Firn comes from `randomStream(seed, …labels)`: the same seed
 * and labels give the same numbers on every machine, and two labels give unrelated streams, so that adding a
 * consumer of randomness never shifts another one's numbers.
 *
 * Generator: xoshiro128** (Blackman & Vigna, 2018); its state is filled by four rounds of a MurmurHash3-like
 * 32-bit mixer over the UTF-16 units of the labels.
 */

export interface RandomStream {
  /** The next 32 random bits as an unsigned integer. */
  uint32(): number;
  /** A float in [0, 1) with 53 random bits. */
  float(): number;
  /** An integer in [0, bound), without modulo bias; `bound` ≤ 2³². */
  integer(bound: number): number;
  /** A normal deviate with mean 0 and variance 1 (Box–Muller; one value per call, the second is kept). */
  normal(): number;
  /** Reorders `items` in place (Fisher–Yates). */
  shuffle<T>(items: T[]): T[];
}

function mix(hash: number, unit: number): number {
  let k = Math.imul(unit, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  hash ^= Math.imul(k, 0x1b873593);
  hash = (hash << 13) | (hash >>> 19);
  return (Math.imul(hash, 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A stream of random numbers that depends on nothing but `seed` and `labels`. */
export function randomStream(seed: number, ...labels: readonly (string | number)[]): RandomStream {
  const text = [seed, ...labels].map((label) => `${typeof label}:${label}`).join("\u0000");
  const state = new Uint32Array(4);
  for (let word = 0; word < 4; word++) {
    let hash = Math.imul(word + 1, 0x9e3779b1) | 0;
    for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i));
    state[word] = finish(hash ^ text.length);
  }
  if (state.every((word) => word === 0)) state[0] = 1;

  const uint32 = (): number => {
    const s0 = state[0]!;
    const s1 = state[1]!;
    const s2 = state[2]!;
    const s3 = state[3]!;
    const product = Math.imul(s1, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const x2 = s2 ^ s0;
    const x3 = s3 ^ s1;
    state[1] = s1 ^ x2;
    state[0] = s0 ^ x3;
    state[2] = x2 ^ (s1 << 9);
    state[3] = (x3 << 11) | (x3 >>> 21);
    return result;
  };
  const float = (): number => ((uint32() >>> 5) * 67108864 + (uint32() >>> 6)) / 9007199254740992;
  const integer = (bound: number): number => {
    const limit = 4294967296 - (4294967296 % bound);
    for (;;) {
      const value = uint32();
      if (value < limit) return value % bound;
    }
  };
  let spare: number | undefined;
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - float()));
    const angle = 2 * Math.PI * float();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const shuffle = <T>(items: T[]): T[] => {
    for (let i = items.length - 1; i > 0; i--) {
      const j = integer(i + 1);
      const swapped = items[i]!;
      items[i] = items[j]!;
      items[j] = swapped;
    }
    return items;
  };
  return { uint32, float, integer, normal, shuffle };
}
