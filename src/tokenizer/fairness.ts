/**
 * @file How evenly a tokenizer serves languages, after the measures of swiss-ai/tokenizer-intrinsic-evals: what the
 * same text costs in each language, and whether text, digits and characters survive.
 */
import { TokenList } from "./encode.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Text in one language. */
export interface LanguageText {
  readonly language: string;
  readonly text: string;
}

export interface LanguageFairness {
  readonly language: string;
  readonly bytes: number;
  readonly characters: number;
  readonly tokens: number;
  /** UTF-8 bytes per token: more is cheaper. */
  readonly bytesPerToken: number;
  /** Fertility: tokens per character. It needs no notion of a word, which not all scripts write. */
  readonly tokensPerCharacter: number;
  /** Share of tokens that end inside a character. */
  readonly splitsCharacters: number;
  /** Whether decoding gave the very text back. */
  readonly roundTrip: boolean;
  /** Whether the text says all that the others say, so that its tokens can be compared with theirs. */
  readonly complete: boolean;
}

/** How far apart costs are. */
export interface Spread {
  readonly languages: number;
  /** The cost of the dearest language over that of the cheapest. */
  readonly worstFactor: number;
  /** Gini coefficient: 0 is even (Apertus technical report §2.2). */
  readonly gini: number;
}

export interface FairnessReport {
  /** Fewest bytes per token first. */
  readonly languages: readonly LanguageFairness[];
  readonly bytesPerToken: number;
  readonly tokensPerCharacter: number;
  /** Share of all tokens that end inside a character. */
  readonly splitsCharacters: number;
  /** Of tokens per byte. */
  readonly perByte: Spread;
  /** Of tokens for the same text, over the languages that have all of it; scripts of three bytes a letter show here. */
  readonly sameText: Spread;
  /** Share of the vocabulary, special tokens aside, that the texts use. */
  readonly vocabularyUse: number;
  /** Whether each digit of a number is a token of its own. */
  readonly digitsApart: boolean;
}

/** Σᵢ Σⱼ |cᵢ − cⱼ| / (2 n² c̄) for costs c. */
export function giniCoefficient(costs: readonly number[]): number {
  const sum = costs.reduce((a, b) => a + b, 0);
  if (costs.length === 0 || sum === 0) return 0;
  const sorted = costs.toSorted((a, b) => a - b);
  const weighted = sorted.reduce((total, cost, i) => total + (2 * (i + 1) - sorted.length - 1) * cost, 0);
  return weighted / (sorted.length * sum);
}

/** How far `costs` are apart. */
export function spreadOf(costs: readonly number[]): Spread {
  const [least, most] = costs.reduce(
    ([low, high], cost) => [Math.min(low, cost), Math.max(high, cost)],
    [Number.POSITIVE_INFINITY, 0],
  );
  const worstFactor = costs.length === 0 ? 1 : most / least;
  return { languages: costs.length, worstFactor, gini: giniCoefficient(costs) };
}

/** How many of `ids` end inside a character. */
function splits(tokenizer: Tokenizer, ids: Int32Array): number {
  let split = 0;
  /** Bytes that the character begun last still lacks. */
  let lacking = 0;
  for (const id of ids) {
    for (const byte of tokenizer.tokenBytes(id)) {
      if (byte >= 0xc0) lacking = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
      else if (byte >= 0x80) lacking -= 1;
    }
    if (lacking > 0) split += 1;
  }
  return split;
}

function measure(
  tokenizer: Tokenizer,
  { language, text }: LanguageText,
  complete: boolean,
  used: Uint8Array,
): LanguageFairness {
  const bytes = new TextEncoder().encode(text).length;
  const list = new TokenList();
  tokenizer.encodeInto(text, list);
  const ids = list.ids.subarray(0, list.length);
  for (const id of ids) used[id] = 1;
  let characters = 0;
  for (const _ of text) characters += 1;
  return {
    language,
    bytes,
    characters,
    tokens: ids.length,
    bytesPerToken: bytes / ids.length,
    tokensPerCharacter: ids.length / characters,
    splitsCharacters: splits(tokenizer, ids) / ids.length,
    roundTrip: tokenizer.decode(ids) === text,
    complete,
  };
}

/**
 * Tokenizes `texts` and reports on each language.
 *
 * @param complete the languages whose texts say all the same; default: none, so that `sameText` is about nothing
 */
export function measureFairness(
  tokenizer: Tokenizer,
  texts: Iterable<LanguageText>,
  complete: ReadonlySet<string> = new Set(),
): FairnessReport {
  const joined = new Map<string, string[]>();
  for (const { language, text } of texts) {
    const known = joined.get(language);
    if (known === undefined) joined.set(language, [text]);
    else known.push(text);
  }
  const used = new Uint8Array(tokenizer.vocabSize);
  const languages = [...joined]
    .map(([language, parts]) =>
      measure(tokenizer, { language, text: parts.join("\n") }, complete.has(language), used),
    )
    .filter(({ tokens }) => tokens > 0)
    .sort((a, b) => a.bytesPerToken - b.bytesPerToken || (a.language < b.language ? -1 : 1));
  const sum = (of: (language: LanguageFairness) => number): number =>
    languages.reduce((total, language) => total + of(language), 0);
  const tokens = sum((language) => language.tokens);
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  const special = tokenizer.model.addedTokens.filter((token) => token.special).length;
  return {
    languages,
    bytesPerToken: share(
      sum(({ bytes }) => bytes),
      tokens,
    ),
    tokensPerCharacter: share(
      tokens,
      sum(({ characters }) => characters),
    ),
    splitsCharacters: share(
      sum((one) => one.splitsCharacters * one.tokens),
      tokens,
    ),
    perByte: spreadOf(languages.map((language) => language.tokens / language.bytes)),
    sameText: spreadOf(languages.filter((one) => one.complete).map((one) => one.tokens)),
    vocabularyUse: used.reduce((total, one) => total + one, 0) / (tokenizer.vocabSize - special),
    digitsApart: tokenizer.encode("1234567890").length === 10,
  };
}
