/** @file The long version of `judge.test.ts`: every code point, every language, a hundred thousand nasty strings. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { APERTUS_PATTERN, ApertusPreTokenizer } from "../../src/tokenizer/pretokenize.ts";
import { everyCodePoint, judgeIds, judgeOf, nastyText, ourPieces, realTexts, trainedPair } from "./judge.ts";

it("cuts every code point of Unicode into the same pieces as Hugging Face's library", () => {
  const splitter = judgeOf({ vocab: {}, merges: [] }, APERTUS_PATTERN).getPreTokenizer()!;
  const preTokenizer = new ApertusPreTokenizer();
  for (let base = 0; base < 0x110000; base += 0x800) {
    const text = everyCodePoint(base, 0x800);
    expect(ourPieces(preTokenizer, text)).toEqual(splitter.preTokenizeString(text).map(([piece]) => piece));
  }
});

it("gives the same ids on real text in every language of the corpus", async () => {
  const texts = await realTexts();
  const { ours, judge } = await trainedPair(texts);
  for (const text of texts)
    expect(ours.encode(text, { allowSpecial: true })).toEqual(await judgeIds(judge, text));
});

it("gives the same ids and the same text back on a hundred thousand nasty strings", async () => {
  const { ours, judge } = await trainedPair(await realTexts(10));
  await fc.assert(
    fc.asyncProperty(nastyText, async (text) => {
      const ids = ours.encode(text, { allowSpecial: true });
      expect(ids).toEqual(await judgeIds(judge, text));
      expect(ours.decode(ids)).toBe(await judge.decode(ids, false));
    }),
    { numRuns: 100_000 },
  );
});
