/**
 * @file The values of the quality rules for each language, measured on documents: the value that a share of them would
 * not pass, or so many standard deviations from the mean; and its commonest words.
 */
import { z } from "zod";
import { FirnError } from "../../core/index.ts";
import type { QualityRulesConfig } from "./config.ts";
import { type Measured, QUALITY_RULES } from "./rules.ts";

const languageValues = z.strictObject({
  /** Documents that were measured; 0 for the published values. */
  documents: z.int().min(0),
  /** By name of the rule. */
  values: z.record(z.string(), z.number()),
  stopWords: z.array(z.string()),
});
const qualityValues = z.strictObject({
  format: z.literal(1),
  /** For languages without values of their own: those of all documents together, or the published ones. */
  others: languageValues,
  /** By ISO 639-3. */
  languages: z.record(z.string(), languageValues),
});
export type LanguageValues = z.infer<typeof languageValues>;
export type QualityValues = z.infer<typeof qualityValues>;

/** Words of a document that are counted: long ones must not decide alone. */
const COUNTED_WORDS = 400;
/** When a language has more different words, those that came once so far are forgotten. */
const MAX_WORDS = 100_000;
/** The least number of stop words, however rare (FineWeb-2). */
const MIN_STOP_WORDS = 8;
const MAX_STOP_WORDS = 50;

class LanguageSample {
  readonly measured: Float64Array[] = [];
  readonly #counts = new Map<string, number>();
  #words = 0;

  add({ words, values }: Measured): void {
    this.measured.push(values);
    for (const word of words.slice(0, COUNTED_WORDS)) {
      this.#words += 1;
      if (/\p{L}/u.test(word)) this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1);
    }
    if (this.#counts.size <= MAX_WORDS) return;
    for (const [word, count] of this.#counts) if (count === 1) this.#counts.delete(word);
  }

  stopWords(share: number): string[] {
    const sorted = [...this.#counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
    return sorted
      .filter(([, count], i) => i < MIN_STOP_WORDS || count >= share * this.#words)
      .slice(0, MAX_STOP_WORDS)
      .map(([word]) => word);
  }
}

/** Four digits say enough, and read well. */
const rounded = (value: number): number => Number(value.toPrecision(4));

function valueOf(column: Float64Array, kind: "max" | "min", config: QualityRulesConfig): number {
  if (config.method === "tail") {
    const sorted = column.sort();
    const last = sorted.length - 1;
    const place = Math.floor(config.tail * sorted.length);
    return sorted[Math.max(0, Math.min(last, kind === "max" ? last - place : place))]!;
  }
  const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
  const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length;
  return mean + (kind === "max" ? 1 : -1) * config.deviations * Math.sqrt(variance);
}

function valuesOf(sample: LanguageSample, config: QualityRulesConfig): LanguageValues {
  const values = QUALITY_RULES.map(({ name, kind, published, learnt }, i): [string, number] => {
    if (learnt === undefined) return [name, published];
    const column = Float64Array.from(sample.measured, (measures) => measures[i]!);
    const [low, high] = learnt;
    return [name, rounded(Math.min(high, Math.max(low, valueOf(column, kind, config))))];
  });
  return {
    documents: sample.measured.length,
    values: Object.fromEntries(values),
    stopWords: sample.stopWords(config.stopWordShare),
  };
}

/** Takes in measured documents; the order decides nothing but which rare words are forgotten first. */
export class ValueSample {
  readonly #config: QualityRulesConfig;
  readonly #languages = new Map<string, LanguageSample>();
  readonly #all = new LanguageSample();

  constructor(config: QualityRulesConfig) {
    this.#config = config;
  }

  add(language: string, measured: Measured): void {
    if (!this.#languages.has(language)) this.#languages.set(language, new LanguageSample());
    this.#languages.get(language)!.add(measured);
    this.#all.add({ ...measured, words: [] });
  }

  values(): QualityValues {
    const { minDocuments } = this.#config;
    const languages = [...this.#languages]
      .filter(([language, { measured }]) => language !== "und" && measured.length >= minDocuments)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([language, sample]): [string, LanguageValues] => [language, valuesOf(sample, this.#config)]);
    const published = {
      documents: 0,
      values: Object.fromEntries(QUALITY_RULES.map((rule) => [rule.name, rule.published])),
      stopWords: [],
    };
    const enough = this.#all.measured.length >= minDocuments;
    // Stop words of all languages together would say nothing.
    const others = enough ? { ...valuesOf(this.#all, this.#config), stopWords: [] } : published;
    return { format: 1, others, languages: Object.fromEntries(languages) };
  }
}

/** Reads what was written as JSON. @throws FirnError `DATA_QUALITY_VALUES` */
export function parseQualityValues(text: string, where: string): QualityValues {
  try {
    return qualityValues.parse(JSON.parse(text));
  } catch (cause) {
    throw new FirnError("DATA_QUALITY_VALUES", {
      expected: "values of the quality rules, as a build writes them",
      got: "another content",
      where,
      next: "Build the documents again.",
      cause,
    });
  }
}
