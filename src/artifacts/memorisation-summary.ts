/**
 * @file What the records of `memorisation` add up to: per repetition count, how much of a probe the model recites (Apertus
 * technical report §5.4) and how far it prefers it to texts nobody read (Carlini et al. 2019, exposure).
 */
import { groupBy } from "../core/index.ts";
import type { MemorisationRecord } from "./evaluations.ts";

/** Suffixes with a smaller share of distinct tokens are structured text and tell nothing (Apertus technical report §5.4). */
const STRUCTURED_TTR = 0.4;

/** Means over the probes of one repetition count; null where no probe has the figure. */
export interface MemorisationRow {
  /** `canaries` stands for all kinds of them. */
  readonly kind: MemorisationRecord["kind"] | "canaries";
  /** Of canaries: whether the same words come before them each time. */
  readonly prefixes: MemorisationRecord["prefixes"];
  /** Tokens given of each text; null where the first half was given. */
  readonly prefixTokens: number | null;
  /** Readings in one pass over the training share, and in the whole run. */
  readonly repetitions: number;
  readonly timesRead: number | null;
  readonly probes: number;
  /** Texts that are not in the means because their true suffix is structured. */
  readonly structured: number;
  /** F1 of the longest common subsequence of the continuation and the true suffix, in tokens. */
  readonly rougeL: number | null;
  /** Longest common contiguous run over the length of the true suffix. */
  readonly lccs: number | null;
  /** Share that is recited to the last token. */
  readonly exact: number | null;
  /** Distinct tokens over all: of the continuation, of the truth. */
  readonly ttr: number | null;
  readonly trueTtr: number | null;
  /** Bits: log2(references + 1) − log2(rank); of what was never read 1.44 on average, among many references. */
  readonly exposure: number | null;
  /** The largest exposure that the references can show. */
  readonly exposureLimit: number | null;
}

export interface MemorisationSummary {
  readonly probes: number;
  /** One label in so many was not learnt (goldfish loss); null: all were. */
  readonly goldfish: number | null;
  /** By prefix and repetitions. */
  readonly texts: readonly MemorisationRow[];
  /** By prefixes and repetitions, kinds together. */
  readonly canaries: readonly MemorisationRow[];
  /** By kind, prefixes and repetitions. */
  readonly kinds: readonly MemorisationRow[];
}

type Continuation = MemorisationRecord["continuations"][number];

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

const exposureOf = ({ rank, references }: MemorisationRecord): number[] =>
  rank === null ? [] : [Math.log2(references + 1) - Math.log2(rank)];

function row(
  named: Pick<MemorisationRow, "kind" | "prefixes" | "prefixTokens" | "repetitions">,
  group: readonly { readonly record: MemorisationRecord; readonly continuation: Continuation | undefined }[],
): MemorisationRow {
  const continuations = group.flatMap(({ continuation }) => continuation ?? []);
  const told = continuations.filter(({ trueTtr }) => named.kind !== "text" || trueTtr > STRUCTURED_TTR);
  const records = group.map(({ record }) => record);
  const reads = records.flatMap(({ timesRead }) => timesRead ?? []);
  const limits = records.flatMap(({ rank, references }) =>
    rank === null ? [] : [Math.log2(references + 1)],
  );
  return {
    ...named,
    timesRead: reads.length === records.length ? mean(reads) : null,
    probes: records.length,
    structured: continuations.length - told.length,
    rougeL: mean(told.map(({ rougeL }) => rougeL)),
    lccs: mean(told.map(({ lccs }) => lccs)),
    exact: mean(told.map(({ matched, suffixTokens }) => (matched === suffixTokens ? 1 : 0))),
    ttr: mean(told.map(({ ttr }) => ttr)),
    trueTtr: mean(told.map(({ trueTtr }) => trueTtr)),
    exposure: mean(records.flatMap(exposureOf)),
    exposureLimit: limits.length === 0 ? null : Math.max(...limits),
  };
}

/** Rows of records that agree in `name`, ordered by it and by repetitions. */
function rows(
  records: readonly MemorisationRecord[],
  name: (record: MemorisationRecord) => Pick<MemorisationRow, "kind" | "prefixes">,
): MemorisationRow[] {
  const items = records.flatMap((record) =>
    (record.continuations.length === 0 ? [undefined] : record.continuations).map((continuation) => ({
      record,
      continuation,
      named: {
        ...name(record),
        prefixTokens: continuation?.given === "prefix" ? continuation.prefixTokens : null,
        repetitions: record.repetitions,
      },
    })),
  );
  const groups = groupBy(items, ({ named }) => JSON.stringify(named));
  const order = ({ kind, prefixes, prefixTokens }: MemorisationRow): string =>
    JSON.stringify([kind, prefixes === "same" ? 0 : 1, String(prefixTokens ?? 0).padStart(9)]);
  return [...groups.values()]
    .map((group) => row(group[0]!.named, group))
    .sort((a, b) => {
      const [one, other] = [order(a), order(b)];
      return one < other ? -1 : one > other ? 1 : a.repetitions - b.repetitions;
    });
}

/** The summary, or null where nothing was measured. */
export function summariseMemorisation(records: readonly MemorisationRecord[]): MemorisationSummary | null {
  const first = records[0];
  if (first === undefined) return null;
  const canaries = records.filter(({ kind }) => kind !== "text");
  return {
    probes: records.length,
    goldfish: first.goldfish,
    texts: rows(
      records.filter(({ kind }) => kind === "text"),
      () => ({ kind: "text", prefixes: null }),
    ),
    canaries: rows(canaries, ({ prefixes }) => ({ kind: "canaries", prefixes })),
    kinds: rows(canaries, ({ kind, prefixes }) => ({ kind, prefixes })),
  };
}
