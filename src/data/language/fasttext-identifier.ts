/** @file A fastText model as language identifier: its labels (`__label__deu_Latn`, `__label__de`) as ISO codes. */
import { groupBy } from "../../core/index.ts";
import type { FastText } from "./fasttext.ts";
import type { Identification } from "./identifier.ts";
import { parseLanguageCode } from "./language-code.ts";
import { dominantScript } from "./script.ts";

/** Long texts are judged by their beginning. */
const IDENTIFIED_CHARACTERS = 10_000;

export class FastTextIdentifier {
  /** `deu_Latn` or `deu`; empty for labels that are no language. */
  readonly labels: readonly string[];
  readonly #model: FastText;
  readonly #languages: readonly string[];
  /** Where the labels of each language are. */
  readonly #places: ReadonlyMap<string, number[]>;

  constructor(model: FastText) {
    this.#model = model;
    const codes = model.labels.map((label) => parseLanguageCode(label.replace(/^__label__/, "")));
    this.#languages = codes.map((code) => code?.language ?? "und");
    this.#places = groupBy(
      this.#languages.map((_, place) => place),
      (place) => this.#languages[place]!,
    );
    this.labels = codes.map((code) =>
      code === undefined ? "" : `${code.language}${code.script === undefined ? "" : `_${code.script}`}`,
    );
  }

  /** The language of `text`, and the probability of the declared one, all its scripts together. */
  identifyAgainst(
    text: string,
    declaredLanguage: string | undefined,
  ): { found: Identification; declaredScore: number | undefined } {
    const { script, letters } = dominantScript(text);
    const own = declaredLanguage === undefined ? [] : (this.#places.get(declaredLanguage) ?? []);
    const compared = this.#model.compare(text.slice(0, IDENTIFIED_CHARACTERS), own);
    if (compared === undefined || letters === 0) {
      return {
        found: { label: "und", language: "und", script, score: 0, known: 0 },
        declaredScore: undefined,
      };
    }
    const language = this.#languages[compared.best]!;
    const label = this.labels[compared.best]!;
    const score = Math.min(1, compared.probability);
    const found = { label: label === "" ? "und" : label, language, script, score, known: 1 };
    return { found, declaredScore: own.length === 0 ? undefined : Math.min(1, compared.sum) };
  }

  /** The model tells apart what it has labels for. */
  overlap(a: string, b: string): number {
    return a.slice(0, 3) === b.slice(0, 3) ? 1 : 0;
  }
}
