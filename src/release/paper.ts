/**
 * @file The pieces papers are made of. A statement is a line of text and what it rests on; a figure that comes from
 * the ledger carries its fact's number; what nobody recorded is said to be so.
 */
import { formatInteger } from "../core/index.ts";
import type { Recorded } from "./facts.ts";

/** One line of an answer. */
export interface Statement {
  readonly text: string;
  /** Ledger facts it rests on (12 digits each). */
  readonly facts: readonly string[];
  /**
   * `fact`: read or computed from the ledger. `provider`: the provider says so. `release`: the
   * release shows it itself. `gap`: nobody recorded it.
   */
  readonly basis: "fact" | "provider" | "release" | "gap";
}

/** A question of a form under its exact label, and the answer. */
export interface Field {
  readonly label: string;
  readonly answer: readonly Statement[];
}

/** A section of a form under its exact heading. */
export interface Section {
  readonly heading: string;
  readonly fields: readonly Field[];
  readonly sections: readonly Section[];
}

export function field(label: string, ...answer: Statement[]): Field {
  return { label, answer };
}

export function section(heading: string, fields: Field[], sections: Section[] = []): Section {
  return { heading, fields, sections };
}

/** A statement from the ledger. */
export function stated(text: string, ...facts: readonly (Recorded<unknown> | string)[]): Statement {
  const ids = facts.map((fact) => (typeof fact === "string" ? fact : fact.fact));
  return { text, facts: [...new Set(ids)].sort(), basis: "fact" };
}

/** A statement of the provider, or the gap where the profile leaves it out. */
export function declared(text: string | undefined, what: string): Statement {
  return text === undefined ? gap(what) : { text, facts: [], basis: "provider" };
}

/** What everybody can see in the release: its name, version, date, shape. */
export function shown(text: string): Statement {
  return { text, facts: [], basis: "release" };
}

/** A whole number, or that nobody recorded it. */
export function amount(value: number | undefined): string {
  return value === undefined ? "not recorded" : formatInteger(value);
}

/** Says that nobody recorded `what`. */
export function gap(what: string): Statement {
  return { text: `not recorded: ${what}`, facts: [], basis: "gap" };
}

/** A yes/no question: an answer only where there is one. */
export function yesNo(answer: boolean | undefined, statement: Statement): Statement {
  const box = (ticked: boolean): string => (ticked ? "☒" : "☐");
  const boxes = `${box(answer === true)} Yes ${box(answer === false)} No`;
  return { ...statement, text: `${boxes}. ${statement.text}` };
}

/** `☒ Text ☐ Image …`: the modalities of the template; Firn trains on text alone. */
export const TEXT_ONLY = "☒ Text ☐ Image ☐ Video ☐ Audio ☐ Other";

/** Text that cannot change the Markdown or HTML around it. */
export function plain(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/[\\`*_[\]<>|#]/g, (character) => `\\${character}`)
    .replace(/&/g, "&amp;");
}

/** ` (facts 0123…, 4567…)`, or nothing. */
export function citation(facts: readonly string[]): string {
  if (facts.length === 0) return "";
  const shown = facts.slice(0, 6).map((fact) => `\`fact:${fact}\``);
  const more = facts.length > shown.length ? ` and ${facts.length - shown.length} more` : "";
  return ` (${shown.join(", ")}${more})`;
}

/** A statement as one line of Markdown. */
export function renderStatement({ text, facts, basis }: Statement): string {
  const line = basis === "gap" ? `**${text}**` : text;
  const source = basis === "provider" ? " (provider)" : citation(facts);
  return `${line}${source}`;
}

/** A Markdown table; cells must not contain line breaks. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Every gap of a form, with the question it leaves open. */
export function openQuestions(
  sections: readonly Section[],
): { heading: string; label: string; gap: string }[] {
  return sections.flatMap((section) => [
    ...section.fields.flatMap(({ label, answer }) =>
      answer
        .filter(({ basis }) => basis === "gap")
        .map(({ text }) => ({ heading: section.heading, label, gap: text })),
    ),
    ...openQuestions(section.sections),
  ]);
}

/** Sections as Markdown, headings starting at `level`. */
export function renderSections(sections: readonly Section[], level: number): string {
  return sections
    .map((section) => {
      const fields = section.fields.map(({ label, answer }) =>
        answer.length === 1
          ? `**${label}** ${renderStatement(answer[0]!)}`
          : `**${label}**\n\n${answer.map((statement) => `- ${renderStatement(statement)}`).join("\n")}`,
      );
      const inner = renderSections(section.sections, level + 1);
      return [`${"#".repeat(level)} ${section.heading}`, ...fields, ...(inner === "" ? [] : [inner])].join(
        "\n\n",
      );
    })
    .join("\n\n");
}
