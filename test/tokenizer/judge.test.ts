/** @file Held against Hugging Face's own library: the same pieces, the same merges, the same ids. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Tokenizer as Judge } from "tokenizers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spellBytes } from "../../src/tokenizer/byte-alphabet.ts";
import { PieceCounter } from "../../src/tokenizer/count-pieces.ts";
import { APERTUS_PATTERN, PreTokenizer } from "../../src/tokenizer/pretokenize.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { parseTokenizerJson, tokenizerJson } from "../../src/tokenizer/tokenizer-json.ts";
import { trainMerges } from "../../src/tokenizer/train.ts";
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

let texts: string[];
let ours: Tokenizer;
let judge: Judge;
let folder: string;

beforeAll(async () => {
  texts = await realTexts(12);
  ({ ours, judge } = await trainedPair(texts));
  folder = await mkdtemp(join(tmpdir(), "firn-tokenizer-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("against Hugging Face's tokenizers", () => {
  it("cuts the code points of the first planes' alphabets into the same pieces", () => {
    const splitter = judgeOf({ vocab: {}, merges: [] }, APERTUS_PATTERN).getPreTokenizer()!;
    const preTokenizer = new PreTokenizer([APERTUS_PATTERN]);
    for (const base of [0x0, 0x800, 0x1000, 0x1800, 0x2000, 0xa000, 0xf800, 0x10000, 0x1e000, 0xe0000]) {
      const text = everyCodePoint(base, 0x800);
      expect(ourPieces(preTokenizer, text)).toEqual(splitter.preTokenizeString(text).map(([piece]) => piece));
    }
  });

  it("cuts troublesome text into the same pieces, whatever the size of the buffer", () => {
    const splitter = judgeOf({ vocab: {}, merges: [] }, APERTUS_PATTERN).getPreTokenizer()!;
    const preTokenizer = new PreTokenizer([APERTUS_PATTERN]);
    fc.assert(
      fc.property(nastyText, fc.constantFrom(0, 32_760, 32_768, 65_530), (text, padding) => {
        const long = `${"ab".repeat(padding / 2)}${text}`;
        const pieces = splitter.preTokenizeString(long).map(([piece]) => piece);
        expect(ourPieces(preTokenizer, long)).toEqual(pieces);
      }),
      { numRuns: 300 },
    );
  });

  it("trains the same merges", async () => {
    const corpus = texts.slice(0, 46).join("\n");
    await writeFile(join(folder, "corpus.txt"), corpus);
    const trained = judgeOf({ vocab: {}, merges: [] }, APERTUS_PATTERN);
    trained.train([join(folder, "corpus.txt")]);
    trained.save(join(folder, "judge.json"));
    const { model } = JSON.parse(await readFile(join(folder, "judge.json"), "utf8")) as {
      model: { merges: [string, string][] };
    };
    // The judge reads its file line by line.
    const counter = new PieceCounter(new PreTokenizer([APERTUS_PATTERN]));
    for (const line of corpus.match(/[^\n]*\n|[^\n]+$/g)!) counter.add(line);
    const merges = await trainMerges(counter.total(), { tokens: 12_000, minFrequency: 1 });
    const spelt = merges.left.map((left, i) => [
      spellBytes(merges.tokens[left]!),
      spellBytes(merges.tokens[merges.right[i]!]!),
    ]);
    expect(spelt.length).toBeGreaterThan(10_000);
    expect(spelt).toEqual(model.merges.slice(0, spelt.length));
  });

  it("gives the same ids on real text in all languages", async () => {
    for (const text of texts) {
      expect(ours.encode(text, { allowSpecial: true })).toEqual(await judgeIds(judge, text));
    }
  });

  it("gives the same ids and the same text back on troublesome strings, special tokens allowed", async () => {
    await fc.assert(
      fc.asyncProperty(nastyText, async (text) => {
        const ids = ours.encode(text, { allowSpecial: true });
        expect(ids).toEqual(await judgeIds(judge, text));
        expect(ours.decode(ids)).toBe(await judge.decode(ids, false));
        expect(ours.decode(ids, { skipSpecial: true })).toBe(await judge.decode(ids, true));
      }),
      { numRuns: 1000 },
    );
  });

  it("decodes any ids to the same text, bytes that are not UTF-8 included", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: ours.vocabSize - 1 }), { maxLength: 40 }),
        async (ids) => {
          expect(ours.decode(ids)).toBe(await judge.decode(ids, false));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("writes a file that the library reads and saves unchanged, and that puts <s> first", async () => {
    judge.save(join(folder, "saved.json"));
    const saved: unknown = JSON.parse(await readFile(join(folder, "saved.json"), "utf8"));
    expect(saved).toEqual(JSON.parse(tokenizerJson(ours.model)));
    expect(await judgeIds(judge, "Grüezi", true)).toEqual([ours.bosId, ...ours.encode("Grüezi")]);
  });

  it.each([true, false])("cuts off digits as SmolLM and StarCoder do (each alone: %s)", async (alone) => {
    const file = JSON.parse(tokenizerJson(ours.model)) as { pre_tokenizer: { pretokenizers: unknown[] } };
    file.pre_tokenizer.pretokenizers = [
      { type: "Digits", individual_digits: alone },
      { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    ];
    const json = JSON.stringify(file);
    const [read, itsJudge] = [new Tokenizer(parseTokenizerJson(json)), Judge.fromString(json)];
    const check = async (text: string): Promise<void> => {
      expect(read.encode(text, { allowSpecial: true })).toEqual(await judgeIds(itsJudge, text));
    };
    await check("In 2026 kosten 1,234.5 kg Ⅷ ½ ٣٤ 一二 x²: 10⁹");
    await fc.assert(fc.asyncProperty(nastyText, check), { numRuns: 300 });
  });

  it("finds added tokens in any normal form where the file says so", async () => {
    const file = JSON.parse(tokenizerJson(ours.model)) as { normalizer: unknown; added_tokens: object[] };
    file.normalizer = { type: "NFC" };
    const flags = { single_word: false, lstrip: false, rstrip: false, special: false };
    const content = "cafe\u0301";
    for (const normalized of [true, false]) {
      const added = [...file.added_tokens, { ...flags, normalized, content, id: ours.vocabSize }];
      const json = JSON.stringify({ ...file, added_tokens: added });
      const text = `un cafe\u0301, un caf\u00e9, deux cafe\u0301s`;
      expect(new Tokenizer(parseTokenizerJson(json)).encode(text)).toEqual(
        await judgeIds(Judge.fromString(json), text),
      );
    }
  });

  it.each(Object.keys(foreignRules))("gives the same ids with the rules of %s", async (name) => {
    const { ours: foreign, judge: itsJudge } = foreignPair(ours, name);
    for (const real of texts.slice(0, 20))
      expect(foreign.encode(real)).toEqual(await judgeIds(itsJudge, real));
    await fc.assert(
      fc.asyncProperty(nastyText, async (text) => {
        expect(foreign.encode(text, { allowSpecial: true })).toEqual(await judgeIds(itsJudge, text));
      }),
      { numRuns: 500 },
    );
  });
});
