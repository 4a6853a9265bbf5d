/** @file What papers say of memorisation: what was measured, or that nothing was. */
import { formatInteger, formatPercent } from "../../core/index.ts";
import type { MemorisedRow, ReleaseRecord } from "./facts.ts";
import { gap, stated, type Statement } from "./paper.ts";
import { plain, renderStatement, renderTable } from "./render-markdown.ts";

const figure = (value: number | null | undefined, digits: number): string =>
  value === null || value === undefined ? "–" : value.toFixed(digits);

function cells(row: MemorisedRow): string[] {
  return [
    plain(typeof row.prefixes === "string" ? `${row.kind}, ${row.prefixes} words before` : row.kind),
    typeof row.prefixTokens === "number" ? `${formatInteger(row.prefixTokens)} tokens` : "half",
    formatInteger(row.repetitions),
    figure(row.timesRead, 1),
    formatInteger(row.probes),
    figure(row.rougeL, 3),
    figure(row.lccs, 3),
    typeof row.exact === "number" ? formatPercent(row.exact) : "–",
    figure(row.exposure, 2),
  ];
}

/** One sentence for papers: how many probes were measured and how much of the most repeated ones was recited. */
export function memorisationStatement({ evaluate }: ReleaseRecord): Statement {
  const measured = evaluate?.data.memorisation;
  if (evaluate === undefined || measured === null || measured === undefined)
    return gap("memorisation of probes");
  const rows = [...measured.texts, ...measured.canaries];
  const most = Math.max(0, ...rows.map(({ repetitions }) => repetitions));
  const exact = rows.flatMap(({ repetitions, exact: share }) =>
    repetitions === most && typeof share === "number" ? [share] : [],
  );
  const recited =
    exact.length === 0
      ? ""
      : `; of those read ${formatInteger(most)} times in a pass at most ${formatPercent(Math.max(...exact))} were recited to the last token`;
  return stated(`Memorisation measured on ${formatInteger(measured.probes)} probes${recited}`, evaluate);
}

/** The model card's part: how the probes were measured, and the table. */
export function memorisationSection(record: ReleaseRecord): string[] {
  const measured = record.evaluate?.data.memorisation;
  if (measured === null || measured === undefined)
    return ["### Memorisation", renderStatement(memorisationStatement(record))];
  const { goldfish } = measured;
  return [
    "### Memorisation",
    renderStatement(memorisationStatement(record)),
    `${typeof goldfish === "number" ? `Goldfish loss left out one label in ${goldfish}.` : "Training learnt every label."} The likeliest continuation against the true one, in tokens: Rouge-L, the longest common run over the true length (LCCS), and exact. Exposure is the probe's rank by likelihood among unseen texts like it, in bits; among many, 1.44 is chance.`,
    renderTable(
      ["probe", "given", "repetitions in a pass", "read", "probes", "Rouge-L", "LCCS", "exact", "exposure"],
      [...measured.texts, ...measured.canaries].map(cells),
    ),
  ];
}
