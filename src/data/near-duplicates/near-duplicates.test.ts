import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomStream } from "../../core/index.ts";
import { BandFiles, Groups } from "./band-files.ts";
import { APERTUS_MINHASH, detectionProbability, MinHasher } from "./minhash.ts";
import { shingleHashes } from "./shingles.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "firn-bands-"));
const set = (text: string, n = 5): Set<number> => new Set(shingleHashes(text, n));
const jaccard = (a: Set<number>, b: Set<number>): number => {
  const both = [...a].filter((hash) => b.has(hash)).length;
  return both / (a.size + b.size - both);
};

/** Digits are folded together, so words are made of letters. */
const wordOf = (n: number): string => `w${String(n).replace(/\d/g, (digit) => "abcdefghij"[Number(digit)]!)}`;

function groupsOf(texts: readonly string[], memoryBytes: number): number[] {
  const hasher = new MinHasher(APERTUS_MINHASH);
  const dir = folder();
  const files = BandFiles.create(join(dir, "bands"), APERTUS_MINHASH.bands);
  try {
    const keys = new Uint32Array(hasher.keyWords);
    texts.forEach((text, i) => hasher.writeKeys(text, keys, 0) && files.add(i, keys, 0));
    const groups = files.group(texts.length, memoryBytes);
    return texts.map((_, i) => groups.find(i));
  } finally {
    files.dispose();
    rmSync(dir, { recursive: true });
  }
}

/** Texts of words from a small vocabulary, each with copies in which some words differ. */
function family(seed: number, originals: number, copies: number): string[] {
  const random = randomStream(seed, "family");
  const word = (): string => wordOf(random.integer(5000));
  return Array.from({ length: originals }, () => {
    const words = Array.from({ length: 200 }, word);
    return Array.from({ length: copies }, (_, copy) =>
      words.map((old) => (random.float() < copy * 0.02 ? word() : old)).join(" "),
    );
  }).flat();
}

describe("shingles", () => {
  it("do not see case, accents, punctuation, digits or spaces", () => {
    const a = "Der Öffner: 12 «Länder» wählen—Éléonore\nkommt, ΆΘΗΝΑ Ёлка.";
    const b = "der offner 34 lander wahlen   ELEONORE kommt αθηνα елка";
    expect([...shingleHashes(a, 5)]).toEqual([...shingleHashes(b, 5)]);
    expect(set("a b c d e")).not.toEqual(set("a b c d f"));
    expect(set("ab c")).not.toEqual(set("a bc"));
    expect(set("कि ता ब है यह")).not.toEqual(set("का ता ब है यह"));
  });

  it("are characters where words are not parted", () => {
    expect(shingleHashes("人人有权享有生命", 5)).toHaveLength(4);
    expect(shingleHashes("มนุษย์", 5).length).toBeGreaterThan(1);
    expect(shingleHashes("one two three four five six", 5)).toHaveLength(2);
    expect(shingleHashes("one two", 5)).toHaveLength(1);
    expect(shingleHashes(" ,.— \n", 5)).toHaveLength(0);
  });

  it("come out of any text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void shingleHashes(text, 5)));
  });
});

describe("band keys", () => {
  it("are shared as often as the formula says", () => {
    const hasher = new MinHasher(APERTUS_MINHASH);
    const random = randomStream(3, "pairs");
    const buckets = new Map<number, { pairs: number; found: number; expected: number }>();
    for (let trial = 0; trial < 3000; trial++) {
      const words = Array.from({ length: 120 }, () => wordOf(random.integer(100_000)));
      const rate = random.float() * 0.12;
      const other = words.map((word) => (random.float() < rate ? wordOf(random.integer(100_000)) : word));
      const [a, b] = [words.join(" "), other.join(" ")];
      const s = jaccard(set(a), set(b));
      const [keysA, keysB] = [new Uint32Array(28), new Uint32Array(28)];
      hasher.writeKeys(a, keysA, 0);
      hasher.writeKeys(b, keysB, 0);
      const found = Array.from({ length: 14 }, (_, band) => band * 2).some(
        (at) => keysA[at] === keysB[at] && keysA[at + 1] === keysB[at + 1],
      );
      const bucket = Math.floor(s * 5);
      const sum = buckets.get(bucket) ?? { pairs: 0, found: 0, expected: 0 };
      buckets.set(bucket, {
        pairs: sum.pairs + 1,
        found: sum.found + (found ? 1 : 0),
        expected: sum.expected + detectionProbability(s, APERTUS_MINHASH),
      });
    }
    for (const { pairs, found, expected } of buckets.values()) {
      // Four standard deviations of a sum of `pairs` coin throws, at most 0.5·√pairs each.
      expect(Math.abs(found - expected)).toBeLessThan(2 * Math.sqrt(pairs) + 1);
    }
    expect(buckets.size).toBeGreaterThan(3);
  });

  it("find half of the pairs at 0.70 and nearly all at 0.85", () => {
    expect(detectionProbability(0.7, APERTUS_MINHASH)).toBeCloseTo(0.565, 2);
    expect(detectionProbability(0.85, APERTUS_MINHASH)).toBeGreaterThan(0.98);
  });
});

describe("groups of near-duplicates", () => {
  it("are led by their first text and leave strangers alone", () => {
    const texts = family(1, 40, 3);
    const found = groupsOf(texts, 1 << 26);
    for (let i = 0; i < texts.length; i++) {
      expect(Math.floor(found[i]! / 3)).toBe(Math.floor(i / 3));
      expect(found[found[i]!]).toBe(found[i]);
    }
    expect(found.filter((first, i) => first !== i).length).toBeGreaterThan(40);
    expect(groupsOf(["", " ", "...", ""], 1 << 20)).toEqual([0, 1, 2, 3]);
  });

  it("are the same however little memory there is", () => {
    const texts = family(2, 900, 4);
    expect(groupsOf(texts, 1)).toEqual(groupsOf(texts, 1 << 26));
  });

  it("hold what is joined with the same third text", () => {
    const groups = new Groups(6);
    groups.join(5, 4);
    groups.join(3, 1);
    groups.join(4, 3);
    expect([0, 1, 2, 3, 4, 5].map((i) => groups.find(i))).toEqual([0, 1, 2, 1, 1, 1]);
  });
});
