/** @file The long version of `judge.test.ts`: every code point, every language, a million nasty strings. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { APERTUS_PATTERN, PreTokenizer } from "../../src/tokenizer/pretokenize.ts";
import { everyCodePoint, judgeIds, judgeOf, nastyText, ourPieces, realTexts, trainedPair } from "./judge.ts";

const STRINGS = Number(process.env["FIRN_JUDGE_STRINGS"] ?? 1_000_000);

it("cuts every code point of Unicode into the same pieces as Hugging Face's library", () => {
  const splitter = judgeOf({ vocab: {}, merges: [] }, APERTUS_PATTERN).getPreTokenizer()!;
  const preTokenizer = new PreTokenizer([APERTUS_PATTERN]);
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

it("gives the same ids and the same text back on a million nasty strings", {
  timeout: 3_600_000,
}, async () => {
  const { ours, judge } = await trainedPair(await realTexts(10));
  const withLoneSurrogates = fc.oneof(
    { weight: 9, arbitrary: nastyText },
    { weight: 1, arbitrary: fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }) },
  );
  await fc.assert(
    fc.asyncProperty(withLoneSurrogates, async (text) => {
      const wellFormed = Buffer.from(text).toString();
      const ids = ours.encode(text, { allowSpecial: true });
      expect(ids).toEqual(await judgeIds(judge, wellFormed));
      expect(ours.decode(ids)).toBe(wellFormed);
      expect(ours.encode(text).some((id) => ours.isSpecial(id))).toBe(false);
    }),
    { numRuns: STRINGS },
  );
});
