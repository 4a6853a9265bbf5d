/** @file The long version of `judge.test.ts`: every code point, every language, a million nasty strings. */
import fc from "fast-check";
import { Tokenizer as Judge } from "tokenizers";
import { expect, it } from "vitest";
import { APERTUS_PATTERN, PreTokenizer } from "../../src/tokenizer/pretokenize.ts";
import { parseTokenizerJson } from "../../src/tokenizer/tokenizer-json.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import {
  everyCodePoint,
  foreignPair,
  foreignRules,
  judgeIds,
  judgeOf,
  nastyText,
  ourPieces,
  realTexts,
  trainedPair,
} from "./judge.ts";
import { tiktokenJson } from "./tiktoken-vocabulary.ts";

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

const withLoneSurrogates = fc.oneof(
  { weight: 9, arbitrary: nastyText },
  { weight: 1, arbitrary: fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }) },
);

/** Ids, text and special tokens on `runs` nasty strings. */
async function holdAgainst(ours: Tokenizer, judge: Judge, runs: number): Promise<void> {
  const normal = ours.model.normalizer === undefined;
  await fc.assert(
    fc.asyncProperty(withLoneSurrogates, async (text) => {
      const wellFormed = Buffer.from(text).toString();
      const ids = ours.encode(text, { allowSpecial: true });
      expect(ids).toEqual(await judgeIds(judge, wellFormed));
      if (normal) expect(ours.decode(ids)).toBe(wellFormed);
      expect(ours.encode(text).some((id) => ours.isSpecial(id))).toBe(false);
    }),
    { numRuns: runs },
  );
}

it("gives the same ids and the same text back on a million nasty strings", async () => {
  const { ours, judge } = await trainedPair(await realTexts(10));
  await holdAgainst(ours, judge, STRINGS);
});

it.each(Object.keys(foreignRules))(
  "gives the same ids with the rules of %s on an eighth of a million nasty strings",
  async (name) => {
    const { ours } = await trainedPair(await realTexts(10));
    const foreign = foreignPair(ours, name);
    await holdAgainst(foreign.ours, foreign.judge, STRINGS / 8);
  },
);

it.each(["gpt2", "cl100k_base", "o200k_base"])(
  "gives the same ids with the vocabulary %s on a sixth of a million nasty strings",
  async (name) => {
    const json = await tiktokenJson(name);
    await holdAgainst(
      new Tokenizer(parseTokenizerJson(json)),
      Judge.fromString(json),
      Math.ceil(STRINGS / 6),
    );
  },
);
