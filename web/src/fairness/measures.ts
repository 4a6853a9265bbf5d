/** @file What can be shown of each language, and how it is written. */
import type { FairnessReport, LanguageFairness } from "../../../src/tokenizer/browser.ts";

/** A tokenizer under the name it is shown with; as `firn show --json` prints it. */
export interface TokenizerReport {
  readonly name: string;
  readonly vocabSize: number;
  readonly report: FairnessReport;
}

export interface Measure {
  readonly id: string;
  readonly label: string;
  /** `undefined` where the language cannot be compared. */
  readonly value: (language: LanguageFairness) => number | undefined;
  readonly format: (value: number) => string;
  /** Small values are the bad ones. */
  readonly lowIsWorse?: boolean;
}

const two = (value: number): string => value.toFixed(2);

export const MEASURES: readonly [Measure, ...Measure[]] = [
  {
    id: "tokens",
    label: "Tokens for the same text",
    value: ({ complete, tokens }) => (complete ? tokens : undefined),
    format: (value) => Math.round(value).toLocaleString("en"),
  },
  {
    id: "bytes",
    label: "Bytes per token",
    value: (one) => one.bytesPerToken,
    format: two,
    lowIsWorse: true,
  },
  {
    id: "fertility",
    label: "Fertility (tokens per character)",
    value: (one) => one.tokensPerCharacter,
    format: two,
  },
  {
    id: "cut",
    label: "Tokens that end inside a character",
    value: (one) => one.splitsCharacters,
    format: (value) => `${(100 * value).toFixed(1)} %`,
  },
];
