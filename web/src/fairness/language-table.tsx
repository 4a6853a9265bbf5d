/** @file Language by language, a column per tokenizer; sorted by any of them, the worst first. */
import { useState } from "preact/hooks";
import type { LanguageFairness } from "../../../src/tokenizer/browser.ts";
import { labelOf, type Measure, type TokenizerReport } from "./measures.ts";
import { words } from "../words.ts";

const FIRST_ROWS = 20;

export interface LanguageRow {
  readonly language: string;
  readonly label: string;
  /** By tokenizer. */
  readonly figures: readonly (LanguageFairness | undefined)[];
}

/** Every language that a tokenizer was measured on. */
export function rowsOf(
  reports: readonly TokenizerReport[],
  nameOf: (language: string) => string,
): LanguageRow[] {
  const byLanguage = reports.map(
    ({ report }) => new Map(report.languages.map((one) => [one.language, one] as const)),
  );
  const languages = [...new Set(byLanguage.flatMap((report) => [...report.keys()]))];
  return languages.map((language) => ({
    language,
    label: nameOf(language),
    figures: byLanguage.map((report) => report.get(language)),
  }));
}

interface LanguageTableProps {
  readonly reports: readonly TokenizerReport[];
  readonly rows: readonly LanguageRow[];
  readonly measure: Measure;
}

export function LanguageTable({ reports, rows, measure }: LanguageTableProps) {
  /** Which column sorts: a tokenizer (the worst first), or −1 for the names; or the other way round. */
  const [[column, reversed], setOrder] = useState<readonly [column: number, reversed: boolean]>([0, false]);
  const [all, setAll] = useState(false);
  const falling = reversed !== (column >= 0 && measure.lowIsWorse !== true);
  const valueOf = (row: LanguageRow, i: number): number | undefined => {
    const figures = row.figures[i];
    return figures === undefined ? undefined : measure.value(figures);
  };
  const sorted = rows.toSorted((a, b) => {
    const sign = falling ? -1 : 1;
    if (column < 0) return sign * a.label.localeCompare(b.label);
    const [x, y] = [valueOf(a, column), valueOf(b, column)];
    // What cannot be compared stays at the end, whichever way round.
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
    return sign * (x - y) || a.label.localeCompare(b.label);
  });
  const shown = all ? sorted : sorted.slice(0, FIRST_ROWS);
  const head = (label: string, i: number) => (
    <th
      key={i}
      scope="col"
      class={i < 0 ? undefined : "number"}
      aria-sort={i !== column ? undefined : falling ? "descending" : "ascending"}
    >
      <button type="button" class="sorter" onClick={() => setOrder([i, i === column && !reversed])}>
        {label}
        <span aria-hidden="true">{i === column ? (falling ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
  return (
    <>
      <div class="wide" tabIndex={0}>
        <table class="languages">
          <caption class="hidden">{labelOf(measure)}</caption>
          <thead>
            <tr>
              {head(words.tokenizer.language, -1)}
              {reports.map(({ name }, i) => head(name, i))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.language}>
                <td>
                  <bdi>{row.label}</bdi> <small class="faint">{row.language}</small>
                </td>
                {row.figures.map((figures, i) => (
                  <Cell key={i} figures={figures} measure={measure} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < sorted.length && (
        <button type="button" class="button" onClick={() => setAll(true)}>
          {words.tokenizer.showAll(sorted.length)}
        </button>
      )}
    </>
  );
}

function Cell({ figures, measure }: { figures: LanguageFairness | undefined; measure: Measure }) {
  const value = figures === undefined ? undefined : measure.value(figures);
  if (value === undefined)
    return (
      <td class="number faint" title={words.tokenizer.partial}>
        –
      </td>
    );
  const lost = figures?.roundTrip === false;
  return (
    <td class="number" title={lost ? words.tokenizer.lost : undefined}>
      {measure.format(value)}
      {lost ? " *" : ""}
    </td>
  );
}
