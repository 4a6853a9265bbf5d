/** @file What a tokenizer costs each language, next to any other the reader drops on the page; measured in the browser. */
import { useMemo, useState } from "preact/hooks";
import type { ModelInfo } from "../api.ts";
import { languageName } from "../format.ts";
import { type Dot, DotPlot } from "./dot-plot.tsx";
import { LanguageTable, type LanguageRow, rowsOf } from "./language-table.tsx";
import { labelOf, MEASURES, type Measure, type TokenizerReport } from "./measures.ts";
import { Overview } from "./overview.tsx";
import { useReports } from "./use-reports.ts";
import { words } from "../words.ts";

function download(reports: readonly TokenizerReport[]): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(reports, null, 2)], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = "tokenizer-fairness.json";
  link.click();
  URL.revokeObjectURL(url);
}

export function FairnessView({ model }: { readonly model: ModelInfo }) {
  const { reports, names, busy, failure, add, remove } = useReports(model.id);
  const [over, setOver] = useState(false);
  const drag = (event: DragEvent): void => {
    event.preventDefault();
    setOver(event.type === "dragover");
    if (event.type === "drop") add([...(event.dataTransfer?.files ?? [])]);
  };
  return (
    <main
      class={over ? "tokens fairness over" : "tokens fairness"}
      onDragOver={drag}
      onDragLeave={drag}
      onDrop={drag}
    >
      <div class="column">
        <header class="lead">
          <h1>{words.tokenizer.title}</h1>
          <p>{words.tokenizer.lead}</p>
        </header>
        <div class="adding">
          <label class="button">
            {words.tokenizer.add}
            <input
              type="file"
              class="hidden"
              accept=".json,application/json"
              multiple
              onChange={(event) => {
                add([...(event.currentTarget.files ?? [])]);
                event.currentTarget.value = "";
              }}
            />
          </label>
          <span class="faint">{words.tokenizer.hint}</span>
        </div>
        <p role="status" class="faint">
          {busy === undefined
            ? ""
            : busy === "texts"
              ? words.tokenizer.loading
              : words.tokenizer.measuring(busy.name)}
        </p>
        {failure !== undefined && (
          <div class="failure" role="alert">
            <p>{failure}</p>
          </div>
        )}
        {reports.length > 0 && <Figures reports={reports} names={names} onRemove={remove} />}
      </div>
    </main>
  );
}

interface FiguresProps {
  readonly reports: readonly TokenizerReport[];
  readonly names: ReadonlyMap<string, string>;
  readonly onRemove: (report: TokenizerReport) => void;
}

/** The dots of the tokenizer in column `i`. */
function dotsOf(rows: readonly LanguageRow[], i: number, measure: Measure, wanted: Wanted): Dot[] {
  return rows.flatMap((row) => {
    const figures = row.figures[i];
    const value = figures === undefined ? undefined : measure.value(figures);
    if (value === undefined) return [];
    return [{ language: row.language, label: row.label, value, marked: wanted?.(row) === true }];
  });
}

/** In the page's language where the browser knows the name in it, else in English. */
function nameOf(code: string, english: ReadonlyMap<string, string>): string {
  const known = words.code === "en" ? code : languageName(code);
  return known === code ? (english.get(code) ?? code) : known;
}

type Wanted = ((row: LanguageRow) => boolean) | undefined;

function Figures({ reports, names, onRemove }: FiguresProps) {
  const [measureId, setMeasureId] = useState<string>(MEASURES[0].id);
  const [search, setSearch] = useState("");
  const measure = MEASURES.find(({ id }) => id === measureId) ?? MEASURES[0];
  const rows = useMemo(() => rowsOf(reports, (code) => nameOf(code, names)), [reports, names, words.code]);
  const needle = search.trim().toLocaleLowerCase();
  const wanted: Wanted =
    needle === ""
      ? undefined
      : ({ label, language }) => `${label}\n${language}`.toLocaleLowerCase().includes(needle);
  const found = wanted === undefined ? rows : rows.filter(wanted);
  const plots = reports.map((_, i) => dotsOf(rows, i, measure, wanted));
  const values = plots.flat().map(({ value }) => value);
  const range = [
    values.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY),
    values.reduce((high, value) => Math.max(high, value), 0),
  ] as const;
  return (
    <>
      <Overview reports={reports} onRemove={onRemove} />
      <p class="faint note">{words.tokenizer.overviewNote}</p>
      <div class="choices">
        <label>
          <span class="hidden">{words.tokenizer.measure}</span>
          <select value={measure.id} onChange={(event) => setMeasureId(event.currentTarget.value)}>
            {MEASURES.map((one) => (
              <option key={one.id} value={one.id}>
                {labelOf(one)}
              </option>
            ))}
          </select>
        </label>
        <input
          type="search"
          aria-label={words.tokenizer.filter}
          placeholder={words.tokenizer.filter}
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <span class="faint" role="status">
          {words.tokenizer.languages(found.length, rows.length)}
        </span>
        <button type="button" class="quiet-button" onClick={() => download(reports)}>
          {words.tokenizer.download}
        </button>
      </div>
      {values.length > 0 &&
        reports.map(({ name }, i) => (
          <DotPlot
            key={name}
            name={name}
            measure={measure}
            dots={plots[i]!}
            range={range}
            anyMarked={wanted !== undefined}
          />
        ))}
      <LanguageTable reports={reports} rows={found} measure={measure} />
    </>
  );
}
