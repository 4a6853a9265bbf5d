/** @file Measures tokenizers aside from the page, so that the page stays alive meanwhile. */
import {
  type LanguageText,
  measureFairness,
  parseTokenizerJson,
  Tokenizer,
} from "../../../src/tokenizer/browser.ts";
import type { ParallelText } from "../../../src/serve/index.ts";
import type { TokenizerReport } from "./measures.ts";

/** The texts come once, then the tokenizers. */
export type MeasureRequest =
  | { readonly texts: readonly ParallelText[] }
  | { readonly number: number; readonly name: string; readonly json: string };
export type MeasureAnswer =
  | { readonly number: number; readonly report: TokenizerReport }
  | { readonly number: number; readonly failure: string };

let texts: readonly LanguageText[] = [];
let complete: ReadonlySet<string> = new Set();

function answer({ number, name, json }: Extract<MeasureRequest, { json: string }>): MeasureAnswer {
  try {
    const tokenizer = new Tokenizer(parseTokenizerJson(json, name));
    const report = measureFairness(tokenizer, texts, complete);
    return { number, report: { name, vocabSize: tokenizer.vocabSize, report } };
  } catch (error) {
    return { number, failure: error instanceof Error ? error.message : String(error) };
  }
}

addEventListener("message", ({ data }: MessageEvent<MeasureRequest>) => {
  if ("texts" in data) {
    texts = data.texts;
    complete = new Set(data.texts.filter((one) => one.complete).map(({ language }) => language));
  } else postMessage(answer(data));
});
