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
      }),
    )
    .max(1000),
});

/**
 * `same`, `differs`: both tick a box. `both`: both say something in words. `ours`, `theirs`: only one does. `open`:
 * neither.
 */
export type Agreement = "same" | "differs" | "both" | "ours" | "theirs" | "open";

export type Comparison = {
  readonly heading: string;
  readonly label: string;
  readonly published: string | null;
  readonly recreated: string | null;
  readonly agreement: Agreement;
};

export interface Recreation {
  readonly paper: Paper;
  readonly facts: readonly ReleaseFact[];
  readonly comparisons: readonly Comparison[];
}

function answerOf({ answer }: Field): { text: string | null; tick: "yes" | "no" | undefined } {
  const known = answer.filter(({ basis }) => basis !== "gap");
  return {
    text: known.length === 0 ? null : known.map(({ text }) => text).join(" "),
    tick: known.find((statement) => statement.answer !== undefined)?.answer,
  };
}

function agreementOf(
  ours: ReturnType<typeof answerOf>,
  theirs: { answer: string; tick?: "yes" | "no" | undefined } | undefined,
): Agreement {
  if (theirs === undefined) return ours.text === null ? "open" : "ours";
  if (theirs.tick !== undefined && ours.tick !== undefined)
    return theirs.tick === ours.tick ? "same" : "differs";
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
    return {
      heading,
      label: field.label,
      published: theirs?.answer ?? null,
      recreated: ours.text,
      agreement: agreementOf(ours, theirs),
    };
  });
  return { paper, facts, comparisons };
}

const VERDICTS: Readonly<Record<Agreement, string>> = {
  same: "same box ticked",
  differs: "other box ticked",
  both: "both answer in words",
  ours: "answered here, not published",
  theirs: "published, not in the manifest's facts",
  open: "open in both",
};

const cut = (text: string | null, length: number): string =>
  text === null ? "–" : text.length > length ? `${text.slice(0, length - 1)}…` : text;

/** The comparison for people: counts, then every field. */
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
  return `${formatTable(["", "field", "published", "recreated", ""], rows)}\n\n${comparisons.length} fields: ${counts.join(", ")}.`;
}
