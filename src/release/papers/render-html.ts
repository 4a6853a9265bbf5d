/** @file A paper as one HTML page that needs nothing else: readable on any screen, and prints well on A4. */
import { type Block, openQuestions, type Paper, type Section, type Statement } from "./paper.ts";
import { introduction } from "./render-markdown.ts";

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text as HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character]!);
}

/** Text as HTML with web addresses as links. */
function linked(text: string): string {
  return text
    .split(/(https?:\/\/[^\s<>|"]+[^\s<>|".,;:)\]])/g)
    .map((part, index) =>
      index % 2 === 0 ? escapeHtml(part) : `<a href="${escapeHtml(part)}">${escapeHtml(part)}</a>`,
    )
    .join("");
}

function citations(facts: readonly string[]): string {
  if (facts.length === 0) return "";
  const named = facts.slice(0, 6).map((fact) => `<code>${fact}</code>`);
  const more = facts.length > named.length ? ` +${facts.length - named.length}` : "";
  return ` <span class="facts" title="lines of facts.jsonl that this rests on">${named.join(" ")}${more}</span>`;
}

function statement({ text, facts, basis }: Statement): string {
  const source = basis === "provider" ? ' <span class="said">stated by the provider</span>' : "";
  return `<span class="${basis}">${linked(text)}</span>${source}${citations(facts)}`;
}

function block(item: Block): string {
  switch (item.kind) {
    case "remark":
      return `<p>${statement(item.statement)}</p>`;
    case "table": {
      const head = [...item.header, "fact"]
        .map((cell) => `<th scope="col">${escapeHtml(cell)}</th>`)
        .join("");
      const rows = item.rows.map(
        ({ cells, facts }) =>
          `<tr>${cells.map((cell) => `<td>${linked(cell)}</td>`).join("")}<td>${citations(facts)}</td></tr>`,
      );
      return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
    }
    case "field": {
      const answer =
        item.answer.length === 1
          ? statement(item.answer[0]!)
          : `<ul>${item.answer.map((line) => `<li>${statement(line)}</li>`).join("")}</ul>`;
      return `<dl><dt>${escapeHtml(item.label)}</dt><dd>${answer}</dd></dl>`;
    }
  }
}

function sections(list: readonly Section[], level: number): string {
  return list
    .map(
      ({ heading, blocks, sections: inner }) =>
        `<section><h${Math.min(6, level)}>${escapeHtml(heading)}</h${Math.min(6, level)}>${blocks.map(block).join("\n")}${sections(inner, level + 1)}</section>`,
    )
    .join("\n");
}

/** Also the look of the portal's static pages. */
export const PAPER_STYLE = `:root{color-scheme:light dark;--ink:light-dark(#18222c,#e4ebf1);--paper:light-dark(#fff,#10151b);--muted:light-dark(#566574,#93a4b5);--line:light-dark(#dce3ea,#28333f);--accent:light-dark(#1b6a99,#74bfe8);--warm:light-dark(#9a4b12,#f0b184)}
*{box-sizing:border-box}
body{margin:0 auto;padding:2.5rem 1.25rem 4rem;max-width:52rem;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.75rem;line-height:1.25;letter-spacing:-.015em;margin:0 0 .6rem}
h2{font-size:1.3rem;margin:2.4rem 0 .6rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}
h3{font-size:1.08rem;margin:1.8rem 0 .5rem}h4,h5,h6{font-size:1rem;margin:1.4rem 0 .4rem}
.lead{color:var(--muted);margin:0 0 1.5rem}
dl{margin:.9rem 0}dt{font-weight:600;font-size:.94rem}dd{margin:.15rem 0 0 0}ul{margin:.2rem 0;padding-left:1.2rem}
.gap{color:var(--warm);font-weight:600}.facts,.said{color:var(--muted);font-size:.78rem}.facts code{font-size:.95em}
a{color:var(--accent)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{text-align:start;vertical-align:top;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line);overflow-wrap:normal}
th{font-weight:600}
@page{size:A4;margin:20mm 18mm}
@media print{:root{color-scheme:light}body{padding:0;max-width:none;font-size:10.5pt}h2,h3,h4,dt{break-after:avoid}dl,tr{break-inside:avoid}a{color:inherit;text-decoration:none}}`;

/** One whole page; `body` is HTML. */
export function htmlPage(title: string, description: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="${escapeHtml(description)}">
<title>${escapeHtml(title)}</title>
<style>${PAPER_STYLE}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/** The paper as an HTML page. */
export function renderHtml(paper: Paper): string {
  const open = openQuestions(paper.sections);
  const list =
    open.length === 0
      ? "<p>None.</p>"
      : `<ul>${open.map(({ heading, label, gap }) => `<li>${escapeHtml(heading)} — ${escapeHtml(label)} <span class="gap">${escapeHtml(gap)}</span></li>`).join("")}</ul>`;
  return htmlPage(
    `${paper.title}: ${paper.release.name} ${paper.release.version}`,
    `${paper.title} of the model ${paper.release.name} ${paper.release.version}`,
    `<h1>${escapeHtml(paper.title)}</h1>
<p class="lead">${linked(introduction(paper))}</p>
${sections(paper.sections, 2)}${paper.isGapList === true ? "" : `\n<section><h2>Open questions</h2>${list}</section>`}`,
  );
}

/** The paper for machines. */
export function paperJson(paper: Paper): unknown {
  return { ...paper, openQuestions: openQuestions(paper.sections) };
}
