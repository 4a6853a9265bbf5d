/** @file Chooses the lines for `language-by-likelihood`: contexts from training documents, questions from held-out. */
import { groupBy, randomStream } from "../core/index.ts";
import type { HeldOutDocument } from "./held-out.ts";
import type { LanguageLine } from "./language-by-likelihood.ts";

/** A document with the key that its translations share, if it has one (the article of a declaration). */
export interface ParallelDocument extends HeldOutDocument {
  readonly parallelKey: string | null;
}

export interface ChooseLinesOptions {
  readonly training: readonly ParallelDocument[];
  readonly heldOut: readonly HeldOutDocument[];
  /** The candidate languages to choose among. Default: every language of the training documents. */
  readonly candidates?: readonly string[];
  /** How many candidate languages at most: those with the most training text. Default: 24. */
  readonly languages?: number;
  /** Unseen lines per language at most. Default: 12. */
  readonly linesPerLanguage?: number;
  /** Shorter lines are too little to go by. Default: 30 characters. */
  readonly minCharacters?: number;
  readonly seed: number;
}

export interface ChosenLines {
  /** One line per candidate language. */
  readonly contexts: LanguageLine[];
  readonly lines: LanguageLine[];
  /** The parallel key that the contexts share, or null where every language has a line of its own. */
  readonly parallelKey: string | null;
}

/** Lines of `text` that are long enough, in order, without repetition. */
function usableLines(text: string, minCharacters: number): string[] {
  const lines = text.split("\n").map((line) => line.trim());
  return [...new Set(lines.filter((line) => line.length >= minCharacters))];
}

/** First usable line of each parallel text of one language. */
function firstLines(
  documents: readonly ParallelDocument[],
  minCharacters: number,
): Map<string, LanguageLine> {
  const lines = new Map<string, LanguageLine>();
  for (const document of documents) {
    const line = usableLines(document.text, minCharacters)[0];
    const key = document.parallelKey ?? "";
    if (line !== undefined && !lines.has(key)) {
      lines.set(key, { id: document.id, language: document.language, text: line });
    }
  }
  return lines;
}

/**
 * Chooses the candidate languages (most training text first, and with held-out lines to ask about), the one
 * parallel text that most of them share as context, and the lines to ask, drawn by `seed`. A language without that
 * text is left out when at least two languages have it; with no parallel texts at all, each brings its own line.
 */
export function chooseLanguageLines(options: ChooseLinesOptions): ChosenLines {
  const minCharacters = options.minCharacters ?? 30;
  const training = groupBy(
    options.training.filter(
      ({ language }) => language !== "und" && options.candidates?.includes(language) !== false,
    ),
    (document) => document.language,
  );
  const heldOut = groupBy(options.heldOut, (document) => document.language);
  const size = (documents: readonly HeldOutDocument[]): number =>
    documents.reduce((sum, document) => sum + document.text.length, 0);
  const known = [...training]
    .map(([language, documents]) => ({
      language,
      characters: size(documents),
      contexts: firstLines(documents, minCharacters),
      questions: (heldOut.get(language) ?? []).flatMap((document) =>
        usableLines(document.text, minCharacters).map((text, index) => ({
          id: `${document.id}:${index}`,
          language,
          text,
        })),
      ),
    }))
    .filter(({ contexts, questions }) => contexts.size > 0 && questions.length > 0)
    .sort((a, b) => b.characters - a.characters || (a.language < b.language ? -1 : 1));

  const keys = new Map<string, number>();
  for (const { contexts } of known) {
    for (const key of contexts.keys()) if (key !== "") keys.set(key, (keys.get(key) ?? 0) + 1);
  }
  const shared = [...keys].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0];
  const parallelKey = shared !== undefined && shared[1] >= 2 ? shared[0] : null;
  const chosen = known
    .filter(({ contexts }) => parallelKey === null || contexts.has(parallelKey))
    .slice(0, options.languages ?? 24);
  return {
    contexts: chosen.map(({ contexts }) =>
      parallelKey === null ? [...contexts.values()][0]! : contexts.get(parallelKey)!,
    ),
    lines: chosen.flatMap(({ language, questions }) =>
      randomStream(options.seed, "language-lines", language)
        .shuffle([...questions])
        .slice(0, options.linesPerLanguage ?? 12),
    ),
    parallelKey,
  };
}
