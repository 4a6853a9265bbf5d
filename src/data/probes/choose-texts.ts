/** @file Which texts of a source become memorisation probes, and how often each is read. */
import { FirnError } from "../../core/index.ts";
import { documentDraw } from "../steps/split.ts";
import type { ProbesConfig } from "./config.ts";

export interface ProbeCandidate {
  readonly id: string;
  readonly source: string;
  readonly bytes: number;
  /** Documents that it stands for: one with a copy elsewhere is no clean probe. */
  readonly copies: number;
  readonly parallelKey: string | null;
}

/**
 * The place in `rows` of every probe, and its repetitions. `usable` says which rows are in the training share.
 *
 * @throws FirnError `DATA_PROBES_FEW` when the source has too few texts
 */
export function chooseProbeTexts(
  rows: Iterable<ProbeCandidate>,
  usable: (index: number) => boolean,
  { source, repetitions, perBucket, minBytes }: NonNullable<ProbesConfig["texts"]>,
  seed: number,
): Map<number, number> {
  const wanted = repetitions.length * perBucket;
  let best: { readonly i: number; readonly draw: number }[] = [];
  const keepBest = (): void => {
    best.sort((a, b) => a.draw - b.draw || a.i - b.i);
    best = best.slice(0, wanted);
  };
  let fit = 0;
  let index = -1;
  for (const row of rows) {
    index += 1;
    if (row.source !== source || row.bytes < minBytes || row.copies !== 1 || row.parallelKey !== null)
      continue;
    if (!usable(index)) continue;
    fit += 1;
    best.push({ i: index, draw: documentDraw(seed, "probe", row.id) });
    // Not more than a few of a source with very many texts are held.
    if (best.length > 2 * wanted + 1000) keepBest();
  }
  keepBest();
  if (fit < wanted) {
    throw new FirnError("DATA_PROBES_FEW", {
      expected: `${wanted} texts of at least ${minBytes} bytes without copies in source ${source}`,
      got: `${fit}`,
      where: "documents.probes.texts",
      next: "Lower perBucket or minBytes, or name fewer repetitions.",
    });
  }
  return new Map(best.map(({ i }, place) => [i, repetitions[place % repetitions.length]!]));
}
