/** @file A paper as Markdown: headings, bold labels, tables; every fact as `fact:…`. */
import type { Block, Paper, Section, Statement } from "./paper.ts";
import { openQuestions } from "./paper.ts";

const ADDRESS = /https?:\/\/[^\s<>|]+[^\s<>|.,;:)\]]/g;

function escape(text: string): string {
  return text.replace(/[\\`*_[\]<>|#]/g, (character) => `\\${character}`).replace(/&/g, "&amp;");
}

/** Text that cannot change the Markdown or HTML around it; web addresses become links. */
export function plain(text: string): string {
  const line = text.replace(/\s+/g, " ");
  let result = "";
  let from = 0;
  for (const match of line.matchAll(ADDRESS)) {
    result += `${escape(line.slice(from, match.index))}<${match[0]}>`;
    from = match.index + match[0].length;
  }
  return result + escape(line.slice(from));
}

/** ` (fact:0123…, fact:4567…)`, or nothing. */
export function citation(facts: readonly string[]): string {
  if (facts.length === 0) return "";
  const named = facts.slice(0, 6).map((fact) => `\`fact:${fact}\``);
  const more = facts.length > named.length ? ` and ${facts.length - named.length} more` : "";
  return ` (${named.join(", ")}${more})`;
}

/** A statement as one line of Markdown. */
export function renderStatement({ text, facts, basis }: Statement): string {
  const line = basis === "gap" ? `**${plain(text)}**` : plain(text);
  return `${line}${basis === "provider" ? " (provider)" : ""}${citation(facts)}`;
}

/** A Markdown table; cells are Markdown already and must not contain line breaks. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case "remark":
      return renderStatement(block.statement);
    case "table":
      return renderTable(
        [...block.header.map(plain), "fact"],
        block.rows.map(({ cells, facts }) => [
          ...cells.map(plain),
          facts.map((fact) => `\`fact:${fact}\``).join(" "),
        ]),
      );
    case "field": {
      const { label, answer } = block;
      return answer.length === 1
        ? `**${plain(label)}** ${renderStatement(answer[0]!)}`
        : `**${plain(label)}**\n\n${answer.map((statement) => `- ${renderStatement(statement)}`).join("\n")}`;
    }
  }
}

/** Sections as Markdown, headings starting at `level`. */
export function renderSections(sections: readonly Section[], level: number): string {
  return sections
    .map(({ heading, blocks, sections: inner }) =>
      [
        `${"#".repeat(Math.min(6, level))} ${heading}`,
        ...blocks.map(renderBlock),
        ...(inner.length === 0 ? [] : [renderSections(inner, level + 1)]),
      ].join("\n\n"),
    )
    .join("\n\n");
}

/** What every paper says about itself, in front. */
export function introduction({ follows, template, release }: Paper): string {
  const form = template === undefined ? "" : ` (${template.id}, SHA-256 ${template.sha256})`;
  return `${release.name} ${release.version}, ${release.date}. Prepared following ${follows}${form}. Each “fact” is the number of a line of facts.jsonl that a statement rests on.`;
}

/** The paper as a Markdown page, its open questions listed at the end. */
export function renderMarkdown(paper: Paper): string {
  const open = openQuestions(paper.sections);
  return [
    `# ${plain(paper.title)}`,
    plain(introduction(paper)),
    renderSections(paper.sections, 2),
    ...(paper.isGapList === true
      ? []
      : [
          "## Open questions",
          open.length === 0
            ? "None."
            : open
                .map(({ heading, label, gap }) => `- ${plain(heading)} — ${plain(`${label} ${gap}`.trim())}`)
                .join("\n"),
        ]),
    "",
  ].join("\n\n");
}
