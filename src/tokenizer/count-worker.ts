/** @file The worker thread that counts the pieces of some documents. */
import { serveItems } from "../core/index.ts";
import { PieceCounter } from "./count-pieces.ts";
import { packPieces, type PackedPieces } from "./piece-totals.ts";
import { PreTokenizer } from "./pretokenize.ts";

/** Texts with their languages; the same name for all when languages do not matter. */
export interface TextsToCount {
  readonly texts: readonly string[];
  readonly languages: readonly string[];
}

let preTokenizer: PreTokenizer | undefined;

serveItems(
  ({ texts, languages }: TextsToCount, patterns: readonly string[]): PackedPieces[] => {
    preTokenizer ??= new PreTokenizer(patterns);
    const counter = new PieceCounter(preTokenizer);
    for (const [i, text] of texts.entries()) counter.add(text, languages[i]);
    return Array.from(counter.languages, ([language, tally]) => packPieces(language, tally));
  },
  (results) =>
    results.flatMap(({ units, lengths, hashes, counts }) =>
      [units, lengths, hashes, counts].map((array) => array.buffer as ArrayBuffer),
    ),
);
