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
  rows: readonly ProbeCandidate[],
  usable: (index: number) => boolean,
  { source, repetitions, perBucket, minBytes }: NonNullable<ProbesConfig["texts"]>,
  seed: number,
): Map<number, number> {
  const wanted = repetitions.length * perBucket;
  const fit = rows.flatMap((row, i) =>
    row.source === source &&
    row.bytes >= minBytes &&
    row.copies === 1 &&
    row.parallelKey === null &&
    usable(i)
      ? [{ i, draw: documentDraw(seed, "probe", row.id) }]
      : [],
  );
  if (fit.length < wanted) {
    throw new FirnError("DATA_PROBES_FEW", {
      expected: `${wanted} texts of at least ${minBytes} bytes without copies in source ${source}`,
      got: `${fit.length}`,
      where: "documents.probes.texts",
      next: "Lower perBucket or minBytes, or name fewer repetitions.",
    });
  }
  fit.sort((a, b) => a.draw - b.draw || a.i - b.i);
  return new Map(fit.slice(0, wanted).map(({ i }, place) => [i, repetitions[place % repetitions.length]!]));
}
