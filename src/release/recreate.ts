/**
 * @file A public summary printed from a manifest of published facts instead of a ledger, and laid beside what its makers
 * published, field by field: a test of this program on a model it did not make.
 */
import { parse } from "yaml";
import { z } from "zod";
import { FirnError, formatTable, type Json } from "../core/index.ts";
import { factId } from "../ledger/index.ts";
import { readFacts, type ReleaseFact } from "./papers/facts.ts";
import { type Field, fieldsOf, type Paper } from "./papers/paper.ts";
import { publicSummary } from "./papers/public-summary.ts";

const json: z.ZodType<Json> = z.json();
const manifestSchema = z.strictObject({
  release: z.strictObject({ name: z.string().min(1), version: z.string().min(1), date: z.iso.date() }),
  facts: z.array(z.strictObject({ kind: z.string().min(1), data: json })).max(10_000),
  published: z
    .array(
      z.strictObject({
        heading: z.string().min(1),
        label: z.string().min(1),
        answer: z.string().min(1),
        tick: z.enum(["yes", "no"]).optional(),
        /** What the published answer says, in the words that this program would print: names, figures, dates. */
        says: z.array(z.string().min(1)).max(100).optional(),
      }),
    )
    .max(1000),
});

/**
 * `same`, `differs`: both tick a box, or the recreated answer holds all that the published one says, or not. `both`: both
 * say something in words that only people can compare. `ours`, `theirs`: only one does. `open`: neither.
 */
export type Agreement = "same" | "differs" | "both" | "ours" | "theirs" | "open";

export type Comparison = {
  readonly heading: string;
  readonly label: string;
  readonly published: string | null;
  readonly recreated: string | null;
  /** What the published answer says and the recreated one does not. */
  readonly lacking: readonly string[];
  readonly agreement: Agreement;
};

export interface Recreation {
  readonly paper: Paper;
  readonly facts: readonly ReleaseFact[];
  readonly comparisons: readonly Comparison[];
}

type Tick = "yes" | "no" | undefined;

function answerOf({ answer }: Field): { text: string | null; tick: Tick } {
  const known = answer.filter(({ basis }) => basis !== "gap");
  return {
    text: known.length === 0 ? null : known.map(({ text }) => text).join(" "),
    tick: known.find((statement) => statement.answer !== undefined)?.answer,
  };
}

function agreementOf(
  ours: ReturnType<typeof answerOf>,
  theirs: { readonly tick?: Tick; readonly says?: readonly string[] | undefined } | undefined,
  lacking: readonly string[],
): Agreement {
  if (theirs === undefined) return ours.text === null ? "open" : "ours";
  if (theirs.tick !== undefined && ours.tick !== undefined)
    return theirs.tick === ours.tick ? "same" : "differs";
  if (theirs.says !== undefined && ours.text !== null) return lacking.length === 0 ? "same" : "differs";
  return ours.text === null ? "theirs" : "both";
}

/** Reads a manifest (YAML) and prints its summary. @throws FirnError `RELEASE_MANIFEST` */
export function recreateSummary(text: string, where: string): Recreation {
  const fault = (got: string, cause?: unknown): FirnError =>
    new FirnError("RELEASE_MANIFEST", {
      expected: "a manifest with release, facts and published answers",
      got,
      where,
      next: "data/apertus-v1.yaml is an example.",
      cause,
    });
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw fault("something that is not YAML", error);
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw fault(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "other fields"}`);
  }
  const { release, published } = parsed.data;
  const facts = parsed.data.facts.map(({ kind, data }): ReleaseFact => {
    const fact = { kind, stage: "", fingerprint: "", attempt: 0, data };
    return { id: factId(fact), kind, stage: "", fingerprint: "", data };
  });
  const paper = publicSummary(readFacts(facts), release);
  const fields = fieldsOf(paper.sections);
  const unknown = published.find(
    ({ heading, label }) =>
      !fields.some((entry) => entry.heading.startsWith(heading) && entry.field.label === label),
  );
  if (unknown !== undefined) throw fault(`a field that the template does not have: ${unknown.label}`);
  const comparisons = fields.map(({ heading, field }): Comparison => {
    const theirs = published.find(
      (entry) => heading.startsWith(entry.heading) && entry.label === field.label,
    );
    const ours = answerOf(field);
    const lacking = (theirs?.says ?? []).filter((part) => ours.text?.includes(part) !== true);
    return {
      heading,
      label: field.label,
      published: theirs?.answer ?? null,
      recreated: ours.text,
      lacking,
      agreement: agreementOf(ours, theirs, lacking),
    };
  });
  return { paper, facts, comparisons };
}

const VERDICTS: Readonly<Record<Agreement, string>> = {
  same: "the same",
  differs: "differs",
  both: "both in words",
  ours: "answered here, not published",
  theirs: "published, not in the manifest's facts",
  open: "open in both",
};

const cut = (text: string | null, length: number): string =>
  text === null ? "–" : text.length > length ? `${text.slice(0, length - 1)}…` : text;

/** One field in full, where people have something to compare. */
function detail({ heading, label, published, recreated, lacking, agreement }: Comparison): string {
  return [
    `${heading.split(" ")[0]!} ${label} (${VERDICTS[agreement]})`,
    `    published: ${published ?? "–"}`,
    `    recreated: ${recreated ?? "–"}`,
    ...(lacking.length === 0 ? [] : [`    published only: ${lacking.join("; ")}`]),
  ].join("\n");
}

/** The comparison for people: every field in a line, then in full those that differ or need a reader, then counts. */
export function renderRecreation({ comparisons }: Recreation): string {
  const counts = (Object.keys(VERDICTS) as Agreement[]).flatMap((agreement) => {
    const count = comparisons.filter((one) => one.agreement === agreement).length;
    return count === 0 ? [] : [`${count} ${VERDICTS[agreement]}`];
  });
  const rows = comparisons.map(({ heading, label, published, recreated, agreement }) => [
    heading.split(" ")[0]!,
    cut(label, 34),
    cut(published, 40),
    cut(recreated, 48),
    VERDICTS[agreement],
  ]);
  const inFull = (agreement: Agreement): string[] =>
    comparisons.filter((one) => one.agreement === agreement).map(detail);
  return [
    formatTable(["", "field", "published", "recreated", ""], rows),
    "In full:",
    ...inFull("differs"),
    ...inFull("theirs"),
    ...inFull("both"),
    `${comparisons.length} fields: ${counts.join(", ")}.`,
  ].join("\n\n");
}
