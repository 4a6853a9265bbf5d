/** @file What the model learnt from, as boxes by source, language or licence, and as a table for whoever prefers one. */
import { useState } from "preact/hooks";
import type { PortalData } from "../../../src/release/index.ts";
import { integer, languageName, percent } from "../format.ts";
import { type Box, layTreemap } from "./treemap.ts";
import { words } from "../words.ts";

type Dimension = "source" | "language" | "licence";
const DIMENSIONS: readonly Dimension[] = ["source", "language", "licence"];
/** More boxes than this cannot be read. */
const MOST_BOXES = 24;

function boxesOf(data: PortalData, dimension: Dimension): Box[] {
  switch (dimension) {
    case "source":
      return data.sources.map(({ title, tokens }) => ({ name: title, value: tokens ?? 0 }));
    case "language":
      return data.languages.map(({ name, tokens }) => ({ name: languageName(name), value: tokens }));
    case "licence":
      return data.licences.map(({ name, tokens }) => ({ name, value: tokens }));
  }
}

/** The largest boxes and one for all others. */
function foldSmall(boxes: readonly Box[]): Box[] {
  const sorted = boxes.filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
  if (sorted.length <= MOST_BOXES) return sorted;
  const rest = sorted.slice(MOST_BOXES - 1);
  const value = rest.reduce((sum, box) => sum + box.value, 0);
  return [...sorted.slice(0, MOST_BOXES - 1), { name: words.transparency.ate.rest(rest.length), value }];
}

export function Treemap({ data }: { readonly data: PortalData }) {
  const [dimension, setDimension] = useState<Dimension>("source");
  const labels = words.transparency.ate;
  const all = boxesOf(data, dimension);
  const total = all.reduce((sum, { value }) => sum + value, 0);
  const narrow = matchMedia("(max-width: 640px)").matches;
  const placed = layTreemap(foldSmall(all), narrow ? 1 : 2.2);
  return (
    <>
      <div class="switch" role="radiogroup" aria-label={labels.by}>
        {DIMENSIONS.map((name) => (
          <button
            key={name}
            type="button"
            role="radio"
            aria-checked={name === dimension}
            onClick={() => setDimension(name)}
          >
            {labels[name]}
          </button>
        ))}
      </div>
      <div class={narrow ? "treemap square" : "treemap"} aria-hidden="true">
        {placed.map(({ name, value, left, top, width, height }, index) => (
          <div
            key={`${dimension} ${name}`}
            class="box"
            title={`${name}: ${integer(value)} ${labels.tokens}, ${percent(value / total)}`}
            style={{
              left: `${left * 100}%`,
              top: `${top * 100}%`,
              width: `${width * 100}%`,
              height: `${height * 100}%`,
              "--depth": String(Math.max(0.12, 1 - index / 12)),
            }}
          >
            {width > (narrow ? 0.17 : 0.07) && height > (narrow ? 0.09 : 0.08) && (
              <span>
                {name}
                <small>{percent(value / total)}</small>
              </span>
            )}
          </div>
        ))}
      </div>
      <p class="faint small-print">{labels.explain}</p>
      <details>
        <summary>{labels.table}</summary>
        <div class="wide" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">{labels[dimension]}</th>
                <th scope="col" class="number">
                  {labels.tokens}
                </th>
                <th scope="col" class="number">
                  {labels.share}
                </th>
              </tr>
            </thead>
            <tbody>
              {[...all]
                .sort((a, b) => b.value - a.value)
                .map(({ name, value }) => (
                  <tr key={name}>
                    <td>{name}</td>
                    <td class="number">{integer(value)}</td>
                    <td class="number">{total === 0 ? "–" : percent(value / total)}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}
