/** @file How evenly a tokenizer serves languages: bytes per token on the same amount of text in each. */
import type { Tokenizer } from "./tokenizer.ts";

export interface LanguageFairness {
  readonly language: string;
  readonly bytes: number;
  readonly tokens: number;
  /** UTF-8 bytes per token: more is cheaper. */
  readonly bytesPerToken: number;
}

export interface FairnessReport {
  /** Worst first. */
  readonly languages: readonly LanguageFairness[];
  readonly bytesPerToken: number;
  /** Tokens per byte of the worst language over those of the best. */
  readonly worstFactor: number;
  /** Gini coefficient of tokens per byte over languages: 0 is even (Apertus technical report §2.2). */
  readonly gini: number;
}

/** Σᵢ Σⱼ |cᵢ − cⱼ| / (2 n² c̄) for costs c. */
export function giniCoefficient(costs: readonly number[]): number {
  const sum = costs.reduce((a, b) => a + b, 0);
  if (costs.length === 0 || sum === 0) return 0;
  const sorted = costs.toSorted((a, b) => a - b);
  const weighted = sorted.reduce((total, cost, i) => total + (2 * (i + 1) - sorted.length - 1) * cost, 0);
  return weighted / (sorted.length * sum);
}

/** The report for counted languages; those without tokens are left out. */
export function fairnessOf(
  counts: readonly { language: string; bytes: number; tokens: number }[],
): FairnessReport {
  const languages = counts
    .filter(({ tokens }) => tokens > 0)
    .map(({ language, bytes, tokens }) => ({ language, bytes, tokens, bytesPerToken: bytes / tokens }))
    .sort((a, b) => a.bytesPerToken - b.bytesPerToken || (a.language < b.language ? -1 : 1));
  const bytes = languages.reduce((sum, language) => sum + language.bytes, 0);
  const tokens = languages.reduce((sum, language) => sum + language.tokens, 0);
  const costs = languages.map((language) => language.tokens / language.bytes);
  return {
    languages,
    bytesPerToken: tokens === 0 ? 0 : bytes / tokens,
    worstFactor: costs.length === 0 ? 1 : Math.max(...costs) / Math.min(...costs),
    gini: giniCoefficient(costs),
  };
}

/** Tokenizes `texts` and reports bytes per token by language. */
export function measureFairness(
  tokenizer: Tokenizer,
  texts: Iterable<{ readonly language: string; readonly text: string }>,
): FairnessReport {
  const counts = new Map<string, { bytes: number; tokens: number }>();
  const utf8 = new TextEncoder();
  for (const { language, text } of texts) {
    const count = counts.get(language) ?? { bytes: 0, tokens: 0 };
    count.bytes += utf8.encode(text).length;
    count.tokens += tokenizer.encodeArray(text).length;
    counts.set(language, count);
  }
  return fairnessOf([...counts].map(([language, count]) => ({ language, ...count })));
}
