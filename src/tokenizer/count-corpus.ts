/** @file Counting the pieces of a stream of texts, on all cores, in bounded memory. */
import { mapOrdered, type PoolOptions } from "../core/index.ts";
import type { TextsToCount } from "./count-worker.ts";
import type { PackedPieces, PieceTotals } from "./piece-totals.ts";
import { APERTUS_PATTERN } from "./pretokenize.ts";

/** A text and the language it counts for. */
export interface CorpusText {
  readonly text: string;
  readonly language: string;
}

const WORKER = new URL(`./count-worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);
/** UTF-16 units sent to a worker at a time. */
const UNITS_PER_ITEM = 1 << 22;

async function* items(texts: AsyncIterable<CorpusText>): AsyncGenerator<TextsToCount> {
  let item = { texts: [] as string[], languages: [] as string[] };
  let units = 0;
  for await (const text of texts) {
    item.texts.push(text.text);
    item.languages.push(text.language);
    units += text.text.length;
    if (units < UNITS_PER_ITEM) continue;
    yield item;
    item = { texts: [], languages: [] };
    units = 0;
  }
  if (item.texts.length > 0) yield item;
}

/** Counts the pieces that Apertus' rule makes of `texts` into `totals`; the number of workers changes nothing. */
export async function countCorpus(
  texts: AsyncIterable<CorpusText>,
  totals: PieceTotals,
  options: Pick<PoolOptions, "workers" | "signal">,
): Promise<void> {
  const counted = mapOrdered<TextsToCount, PackedPieces[]>(items(texts), WORKER, {
    ...options,
    workerData: [APERTUS_PATTERN],
  });
  for await (const languages of counted) for (const pieces of languages) await totals.add(pieces);
}
