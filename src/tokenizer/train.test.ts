import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomStream } from "../core/index.ts";
import { PieceCounter } from "./count-pieces.ts";
import { Merger } from "./merge.ts";
import { ApertusPreTokenizer } from "./pretokenize.ts";
import { BYTE_ORDER, trainMerges } from "./train.ts";

const utf8 = new TextEncoder();

function countsOf(pieces: readonly string[]): ReturnType<PieceCounter["total"]> {
  const counter = new PieceCounter({
    forEachPiece: (text, visit) => {
      const bytes = utf8.encode(text);
      visit(bytes, 0, bytes.length);
    },
  });
  for (const piece of pieces) counter.add(piece);
  return counter.total();
}

/** The definition, word for word: recount everything after every merge. */
function naiveMerges(pieces: readonly string[], merges: number): string[] {
  const order = (token: string, age: Map<string, number>): number =>
    age.get(token) ?? BYTE_ORDER.indexOf(token.charCodeAt(0));
  const words = pieces.map((piece) => Array.from(utf8.encode(piece), (byte) => String.fromCharCode(byte)));
  const age = new Map<string, number>();
  const done: string[] = [];
  while (done.length < merges) {
    const counts = new Map<string, number>();
    for (const word of words) {
      for (let i = 0; i + 1 < word.length; i++) {
        const pair = `${word[i]}\u{10000}${word[i + 1]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const ranked = [...counts].map(([pair, count]) => {
      const [left, right] = pair.split("\u{10000}") as [string, string];
      return { left, right, count };
    });
    ranked.sort(
      (a, b) =>
        b.count - a.count ||
        order(a.left, age) - order(b.left, age) ||
        order(a.right, age) - order(b.right, age),
    );
    const best = ranked[0];
    if (best === undefined) break;
    done.push(`${best.left}|${best.right}`);
    if (!age.has(best.left + best.right)) age.set(best.left + best.right, 256 + age.size);
    for (const word of words) {
      for (let i = 0; i + 1 < word.length; i++) {
        if (word[i] === best.left && word[i + 1] === best.right) word.splice(i, 2, best.left + best.right);
      }
    }
  }
  return done;
}

/** Merging, word for word: look for the best pair anew each time. */
function naiveEncode(bytes: Uint8Array, rules: readonly (readonly [number, number, number])[]): number[] {
  const tokens = Array.from(bytes);
  for (;;) {
    let best = Number.POSITIVE_INFINITY;
    let at = -1;
    for (let i = 0; i + 1 < tokens.length; i++) {
      const rank = rules.findLastIndex(([left, right]) => left === tokens[i] && right === tokens[i + 1]);
      if (rank >= 0 && rank < best) {
        best = rank;
        at = i;
      }
    }
    if (at < 0) return tokens;
    tokens.splice(at, 2, rules[best]![2]);
  }
}

describe("trainMerges", () => {
  it("finds what recounting everything after every merge finds", async () => {
    const word = fc.stringMatching(/^[ab]{1,9}$/);
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 30 }), async (pieces) => {
        const merges = await trainMerges(countsOf(pieces), { tokens: 256 + 12, minFrequency: 1 });
        const latin1 = (token: number): string => String.fromCharCode(...merges.tokens[token]!);
        const ours = merges.left.map((left, i) => `${latin1(left)}|${latin1(merges.right[i]!)}`);
        const naive = naiveMerges(pieces, ours.length);
        // Overlapping runs ("aaa") are counted as they stand when their neighbours merge, as Hugging Face does.
        const overlapping = pieces.some((piece) => /aaa|bbb|(ab){3}|(ba){3}|aabaab|abbabb/.test(piece));
        if (!overlapping) expect(ours).toEqual(naive);
        else expect(ours[0]).toEqual(naive[0]);
      }),
      { numRuns: 300 },
    );
  });

  it("does not depend on the order of the text", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ maxLength: 12 }), { maxLength: 30 }), async (texts) => {
        const train = (all: readonly string[]): ReturnType<typeof trainMerges> => {
          const counter = new PieceCounter(new ApertusPreTokenizer());
          for (const text of all) counter.add(text);
          return trainMerges(counter.total(), { tokens: 300, minFrequency: 1 });
        };
        expect(await train(texts.toReversed())).toEqual(await train(texts));
      }),
      { numRuns: 100 },
    );
  });

  it("stops at the size, at the frequency and at the length it is told", async () => {
    const counts = countsOf([..."the cat sat on the mat".split(" "), "the", "the"]);
    expect((await trainMerges(counts, { tokens: 258, minFrequency: 1 })).tokens.length).toBe(258);
    const frequent = await trainMerges(counts, { tokens: 1000, minFrequency: 4 });
    expect(frequent.tokens.slice(256).map((token) => new TextDecoder().decode(token))).toEqual(["he", "the"]);
    const short = await trainMerges(counts, { tokens: 1000, minFrequency: 1, maxTokenBytes: 2 });
    expect(Math.max(...short.tokens.map((token) => token.length))).toBe(2);
  });

  it("trains on nothing", async () => {
    const merges = await trainMerges(countsOf([]), { tokens: 300, minFrequency: 1 });
    expect(merges.tokens.length).toBe(256);
    expect(merges.left).toEqual([]);
  });

  it("takes time that grows with the text, not with its square, on one endless word", async () => {
    const random = randomStream(1, "endless word");
    const word = Array.from({ length: 200_000 }, () => "abcdefgh"[random.integer(8)]).join("");
    const start = performance.now();
    const merges = await trainMerges(countsOf([word]), { tokens: 256 + 500, minFrequency: 2 });
    expect(merges.left.length).toBe(500);
    expect(performance.now() - start).toBeLessThan(15_000);
  });

  it("can be stopped", async () => {
    const pieces = Array.from({ length: 3000 }, (_, i) => `w${i}x${(i * 7919) % 3001}`);
    const stopped = trainMerges(countsOf(pieces), {
      tokens: 4000,
      minFrequency: 1,
      signal: AbortSignal.abort(new Error("enough")),
    });
    await expect(stopped).rejects.toThrow("enough");
  });
});

describe("PieceCounter", () => {
  it("weights languages by a power of their size and keeps the corpus' total", () => {
    const counter = new PieceCounter(new ApertusPreTokenizer());
    counter.add("a".repeat(4), "large");
    for (let i = 0; i < 15; i++) counter.add("aaaa", "large");
    counter.add("bbbb", "small");
    const counts = (temperature: number): number[] => Array.from(counter.total(temperature).counts);
    expect(counts(1)).toEqual([16, 1]);
    expect(counts(0)).toEqual([8.5, 8.5]);
    const [large, small] = counts(0.5) as [number, number];
    expect(large / small).toBeCloseTo(4, 2);
    expect(large + small).toBeCloseTo(17, 2);
  });
});

describe("Merger", () => {
  it("merges like the definition, by scan and by heap, for any list of rules", () => {
    const ruleOver = fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { maxLength: 25 });
    const bytes = fc.uint8Array({ max: 3, maxLength: 120 });
    fc.assert(
      fc.property(ruleOver, bytes, (drawn, piece) => {
        // Bytes 0–3 are tokens 0–3 here; rule i makes token 256 + i out of two tokens that exist by then.
        const token = (n: number, made: number): number => (n < 4 || made === 0 ? n % 4 : 256 + (n % made));
        const rules = drawn.map(([a, b], i) => [token(a, i), token(b, i), 256 + i] as const);
        const merger = new Merger(
          Int32Array.from({ length: 256 }, (_, i) => i),
          {
            left: Int32Array.from(rules, ([left]) => left),
            right: Int32Array.from(rules, ([, right]) => right),
            joined: Int32Array.from(rules, ([, , joined]) => joined),
          },
        );
        expect(Array.from(merger.merge(piece, 0, piece.length))).toEqual(naiveEncode(piece, rules));
      }),
      { numRuns: 500 },
    );
  });
});
