/** @file Published vocabularies of other models: the same ids as the libraries they were made for. */
import fc from "fast-check";
import { get_encoding, type TiktokenEncoding } from "tiktoken";
import { Tokenizer as Judge } from "tokenizers";
import { beforeAll, describe, expect, it } from "vitest";
import { parseTokenizerJson, tokenizerJson } from "../../src/tokenizer/tokenizer-json.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { judgeIds, nastyText, realTexts } from "./judge.ts";
import { tiktokenJson } from "./tiktoken-vocabulary.ts";

const RUNS = 100;

describe.each<TiktokenEncoding>(["gpt2", "cl100k_base"])("the vocabulary %s", (name) => {
  let json: string;
  beforeAll(async () => {
    json = await tiktokenJson(name);
  });

  it("gives the ids of tiktoken and of Hugging Face's library, and the text back", async () => {
    const ours = new Tokenizer(parseTokenizerJson(json));
    const judge = Judge.fromString(json);
    const tiktoken = get_encoding(name);
    const check = async (text: string): Promise<void> => {
      const ids = ours.encode(text);
      expect(ids).toEqual(Array.from(tiktoken.encode(text, [], [])));
      expect(ours.encode(text, { allowSpecial: true })).toEqual(await judgeIds(judge, text));
      expect(ours.decode(ids)).toBe(Buffer.from(text).toString());
    };
    for (const text of await realTexts(15)) await check(text.slice(0, 20_000));
    await fc.assert(fc.asyncProperty(nastyText, check), { numRuns: RUNS });
    await check("<|endoftext|> <|fim_prefix|><|endofprompt|> <|unused_100261|>");
    tiktoken.free();
  });

  it("is written and read again without a change", () => {
    const model = parseTokenizerJson(json);
    expect(parseTokenizerJson(tokenizerJson(model))).toEqual(model);
  });
});
