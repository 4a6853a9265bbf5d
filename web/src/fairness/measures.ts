/** @file What can be shown of each language, and how it is written. */
import type { FairnessReport, LanguageFairness } from "../../../src/tokenizer/browser.ts";
import { fixed, integer } from "../format.ts";
import { type Words, words } from "../words.ts";

/** A tokenizer under the name it is shown with; as `firn show --json` prints it. */
export interface TokenizerReport {
  readonly name: string;
  readonly vocabSize: number;
  readonly report: FairnessReport;
}

export interface Measure {
  readonly id: keyof Words["tokenizer"]["measures"];
  /** `undefined` where the language cannot be compared. */
  readonly value: (language: LanguageFairness) => number | undefined;
  readonly format: (value: number) => string;
  /** Small values are the bad ones. */
  readonly lowIsWorse?: boolean;
}

export const labelOf = (measure: Measure): string => words.tokenizer.measures[measure.id];

const two = (value: number): string => fixed(value, 2);

export const MEASURES: readonly [Measure, ...Measure[]] = [
  {
    id: "tokens",
    value: ({ complete, tokens }) => (complete ? tokens : undefined),
    format: integer,
  },
  {
    id: "bytes",
    value: (one) => one.bytesPerToken,
    format: two,
    lowIsWorse: true,
  },
  {
    id: "fertility",
    value: (one) => one.tokensPerCharacter,
    format: two,
  },
  {
    id: "cut",
    value: (one) => one.splitsCharacters,
    format: (value) => `${fixed(100 * value, 1)} %`,
  },
];
