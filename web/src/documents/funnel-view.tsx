/** @file The funnel as bars, one row a step, with the reasons under what a step dropped. */
import { useState } from "preact/hooks";
import type { DocumentsPage } from "../../../src/serve/index.ts";
import { integer, languageName, percent } from "../format.ts";
import { funnelRows } from "./funnel.ts";
import { words } from "../words.ts";

export function Funnel({ page }: { readonly page: DocumentsPage }) {
  const [language, setLanguage] = useState("");
  const rows = funnelRows(page, language === "" ? undefined : language);
  const most = Math.max(1, rows[0]?.entered ?? 1);
  const share = (count: number): string => `${(count / most) * 100}%`;
  return (
    <>
      <label class="documents-choice">
        {words.documents.ofLanguage}{" "}
        <select value={language} onChange={(event) => setLanguage(event.currentTarget.value)}>
          <option value="">{words.documents.everyLanguage}</option>
          {page.languages.map(({ name }) => (
            <option key={name} value={name}>
              {`${languageName(name)} (${name})`}
            </option>
          ))}
        </select>
      </label>
      <ol class="funnel">
        {rows.map(({ step, entered, out, dropped }) => (
          <li key={step}>
            <div class="funnel-name">
              <b>{step}</b>
              <span class="faint">
                {words.documents.steps[step as keyof typeof words.documents.steps] ?? ""}
              </span>
            </div>
            <div
              class="funnel-bar"
              role="img"
              aria-label={words.documents.stepLabel(step, integer(entered), integer(out))}
            >
              <i class="funnel-kept" style={{ width: share(out) }} />
              {dropped.map(({ reason, documents }, index) => (
                <i
                  key={reason}
                  class={`funnel-dropped tone-${index % 4}`}
                  style={{ width: share(documents) }}
                  title={`${reason}: ${integer(documents)}`}
                />
              ))}
            </div>
            <div class="funnel-count number">{integer(out)}</div>
            {dropped.length > 0 && (
              <ul class="funnel-reasons">
                {dropped.map(({ reason, documents }, index) => (
                  <li key={reason}>
                    <i class={`funnel-dropped tone-${index % 4}`} aria-hidden="true" />
                    {reason} <span class="number">{integer(documents)}</span>{" "}
                    <span class="faint">{percent(documents / Math.max(1, entered))}</span>
                  </li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ol>
    </>
  );
}
