/** @file What a step saw, kept and dropped, by reason and by language: the numbers of the `step` facts. */
import type { Json } from "../core/index.ts";

/** Documents and their UTF-8 bytes of text. */
export type Count = { documents: number; bytes: number };

/** Plain data, so that workers can send it home. */
export interface StepTally {
  readonly step: string;
  readonly in: Count;
  readonly out: Count;
  /** Documents whose text the step changed. */
  changed: number;
  /** Dropped documents by reason. */
  readonly reasons: Record<string, number>;
  /** Dropped documents and bytes under names that may overlap (`agent GPTBot`, `signal robots`). */
  readonly marks: Record<string, Count>;
  /** Documents in and out by language (as known when they came in). */
  readonly languages: Record<string, { in: number; out: number }>;
}

export function newTally(step: string): StepTally {
  const none = (): Count => ({ documents: 0, bytes: 0 });
  return { step, in: none(), out: none(), changed: 0, reasons: {}, marks: {}, languages: {} };
}

interface Counted {
  readonly bytes: number;
  readonly sha256: string;
  readonly language: string | null;
  readonly declaredLanguage: string | null;
}

function languageOf(document: Counted): string {
  return document.language ?? document.declaredLanguage ?? "und";
}

function languageCount(tally: StepTally, language: string): { in: number; out: number } {
  tally.languages[language] ??= { in: 0, out: 0 };
  return tally.languages[language];
}

function addMark(tally: StepTally, mark: string, { documents, bytes }: Count): void {
  tally.marks[mark] ??= { documents: 0, bytes: 0 };
  tally.marks[mark].documents += documents;
  tally.marks[mark].bytes += bytes;
}

/** Counts a document that went on. */
export function countKept(tally: StepTally, before: Counted, after: Counted): void {
  tally.in.documents += 1;
  tally.in.bytes += before.bytes;
  tally.out.documents += 1;
  tally.out.bytes += after.bytes;
  if (before.sha256 !== after.sha256) tally.changed += 1;
  const count = languageCount(tally, languageOf(before));
  count.in += 1;
  count.out += 1;
}

/** Counts a document that was dropped. */
export function countRejected(
  tally: StepTally,
  document: Counted,
  reason: string,
  marks: readonly string[] = [],
): void {
  tally.in.documents += 1;
  tally.in.bytes += document.bytes;
  tally.reasons[reason] = (tally.reasons[reason] ?? 0) + 1;
  for (const mark of marks) addMark(tally, mark, { documents: 1, bytes: document.bytes });
  languageCount(tally, languageOf(document)).in += 1;
}

/** Adds `other` to `into`. */
export function addTally(into: StepTally, other: StepTally): void {
  for (const side of ["in", "out"] as const) {
    into[side].documents += other[side].documents;
    into[side].bytes += other[side].bytes;
  }
  into.changed += other.changed;
  for (const [reason, count] of Object.entries(other.reasons)) {
    into.reasons[reason] = (into.reasons[reason] ?? 0) + count;
  }
  for (const [mark, count] of Object.entries(other.marks)) addMark(into, mark, count);
  for (const [language, count] of Object.entries(other.languages)) {
    const sum = languageCount(into, language);
    sum.in += count.in;
    sum.out += count.out;
  }
}

function counts(marks: StepTally["marks"]): Json {
  return Object.fromEntries(Object.entries(marks).map(([name, count]) => [name, { ...count }]));
}

/** The tally as a fact's data. */
export function tallyFact(tally: StepTally, extra: Readonly<Record<string, Json>> = {}): Json {
  return {
    step: tally.step,
    in: { ...tally.in },
    out: { ...tally.out },
    changed: tally.changed,
    reasons: { ...tally.reasons },
    ...(Object.keys(tally.marks).length === 0 ? {} : { marks: counts(tally.marks) }),
    languages: Object.fromEntries(Object.entries(tally.languages).map(([key, count]) => [key, { ...count }])),
    ...extra,
  };
}
