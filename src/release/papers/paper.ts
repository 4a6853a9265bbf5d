/**
 * @file What a paper is, before it is Markdown, HTML, JSON or a Word file: sections of fields, tables and statements.
 * A statement is a line of plain text and what it rests on; a figure that comes from the ledger carries its fact's
 * number; what nobody recorded is said to be so, and never answered with "No".
 */
import { formatInteger } from "../../core/index.ts";
import type { Recorded } from "./facts.ts";

/** One line of an answer: plain text, escaped by whoever renders it. */
export interface Statement {
  readonly text: string;
  /** Ledger facts it rests on (12 digits each). */
  readonly facts: readonly string[];
  /**
   * `fact`: read or computed from the ledger. `provider`: the provider says so. `release`: the
   * release shows it itself. `gap`: nobody recorded it.
   */
  readonly basis: "fact" | "provider" | "release" | "gap";
  /** Who can close a gap: a person who answers `firn provider`, or records that the line has not made. */
  readonly closedBy?: "person" | "records";
  /** The answer to a yes/no question; absent where there is none. */
  readonly answer?: "yes" | "no";
}

/** A question of a form under its exact label, and the answer. */
export interface Field {
  readonly kind: "field";
  readonly label: string;
  readonly answer: readonly Statement[];
}

/** Rows under a header; each row cites its own facts. */
export interface Table {
  readonly kind: "table";
  readonly header: readonly string[];
  readonly rows: readonly { readonly cells: readonly string[]; readonly facts: readonly string[] }[];
}

/** A line that answers no question of a form. */
export interface Remark {
  readonly kind: "remark";
  readonly statement: Statement;
}

export type Block = Field | Table | Remark;

/** A section of a form under its exact heading. */
export interface Section {
  readonly heading: string;
  readonly blocks: readonly Block[];
  readonly sections: readonly Section[];
}

/** What a release says about itself. */
export type ReleaseIdentity = {
  readonly name: string;
  readonly version: string;
  /** `YYYY-MM-DD`. */
  readonly date: string;
};

/** A whole document. */
export interface Paper {
  /** The form's own title: links to the paper must carry exactly this. */
  readonly title: string;
  /** Name of its files, without ending. */
  readonly file: string;
  /** The law or template that heading, labels and order follow. */
  readonly follows: string;
  readonly release: ReleaseIdentity;
  readonly sections: readonly Section[];
  /** Set for the list of gaps, which has no open questions of its own. */
  readonly isGapList?: true;
  /** The official form that was followed, to the byte, where there is one. */
  readonly template?: { readonly id: string; readonly sha256: string };
}

export function field(label: string, ...answer: Statement[]): Field {
  return { kind: "field", label, answer };
}

export function remark(statement: Statement): Remark {
  return { kind: "remark", statement };
}

export function table(header: readonly string[], rows: Table["rows"]): Table {
  return { kind: "table", header, rows };
}

export function section(
  heading: string,
  blocks: readonly Block[],
  sections: readonly Section[] = [],
): Section {
  return { heading, blocks, sections };
}

/** A statement from the ledger. */
export function stated(text: string, ...facts: readonly (Recorded<unknown> | string)[]): Statement {
  const ids = facts.map((fact) => (typeof fact === "string" ? fact : fact.fact));
  return { text: oneLine(text), facts: [...new Set(ids)].sort(), basis: "fact" };
}

/** What everybody can see in the release: its name, version, date, shape; figures with the fact `model`. */
export function shown(text: string, ...facts: readonly (Recorded<unknown> | undefined)[]): Statement {
  const ids = facts.flatMap((fact) => (fact === undefined ? [] : [fact.fact]));
  return { text: oneLine(text), facts: ids, basis: "release" };
}

/** Says that nobody recorded `what`. */
export function gap(what: string, closedBy: "person" | "records" = "records"): Statement {
  return { text: `not recorded: ${oneLine(what)}`, facts: [], basis: "gap", closedBy };
}

/** A yes/no question: a ticked box only where there is an answer. */
export function yesNo(answer: boolean | undefined, statement: Statement): Statement {
  const box = (ticked: boolean): string => (ticked ? "☒" : "☐");
  const text = `${box(answer === true)} Yes ${box(answer === false)} No — ${statement.text}`;
  return answer === undefined
    ? { ...statement, text }
    : { ...statement, text, answer: answer ? "yes" : "no" };
}

/** `☒ Text ☐ Image …`: the modalities of the template; Firn trains on text alone. */
export const TEXT_ONLY = "☒ Text ☐ Image ☐ Video ☐ Audio ☐ Other";

/** A whole number, or that nobody recorded it. */
export function amount(value: number | undefined): string {
  return value === undefined ? "not recorded" : formatInteger(value);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** A question that a paper leaves open. */
export interface OpenQuestion {
  readonly heading: string;
  readonly label: string;
  readonly gap: string;
  readonly closedBy: "person" | "records";
}

/** Every gap of a form, with the question it leaves open. */
export function openQuestions(sections: readonly Section[]): OpenQuestion[] {
  return sections.flatMap(({ heading, blocks, sections: inner }) => [
    ...blocks.flatMap((block) => {
      if (block.kind === "table") return [];
      const label = block.kind === "field" ? block.label : "";
      const answer = block.kind === "field" ? block.answer : [block.statement];
      return answer
        .filter(({ basis }) => basis === "gap")
        .map(({ text, closedBy = "records" }) => ({ heading, label, gap: text, closedBy }));
    }),
    ...openQuestions(inner),
  ]);
}

/** Every field of a form with the heading it stands under, in order. */
export function fieldsOf(
  sections: readonly Section[],
): { readonly heading: string; readonly field: Field }[] {
  return sections.flatMap(({ heading, blocks, sections: inner }) => [
    ...blocks.flatMap((block) => (block.kind === "field" ? [{ heading, field: block }] : [])),
    ...fieldsOf(inner),
  ]);
}
