/** @file One chart with a line per series over the steps. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { words } from "../words.ts";

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly step: number; readonly value: number | null }[];
}

/** Distinguishable in light and dark, and with the common kinds of colour blindness (Okabe & Ito 2008). */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999"];

/** `0.1234` → `0.1234`, `2500` → `2,500`. */
const short = (value: number): string =>
  value.toLocaleString([words.code, "de-CH"], { maximumSignificantDigits: 4 });

/** All series on the union of their steps. */
function alignedData(series: readonly Series[]): uPlot.AlignedData {
  const steps = [...new Set(series.flatMap(({ points }) => points.map(({ step }) => step)))].sort(
    (a, b) => a - b,
  );
  const columns = series.map(({ points }) => {
    const byStep = new Map(points.map(({ step, value }) => [step, value]));
    return steps.map((step) => byStep.get(step));
  });
  return [steps, ...columns] as uPlot.AlignedData;
}

interface ChartProps {
  readonly title: string;
  readonly series: readonly Series[];
  readonly onPick?: (step: number) => void;
}

export function Chart({ title, series, onPick }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const style = getComputedStyle(element);
    const axis = {
      stroke: style.color,
      grid: { stroke: style.getPropertyValue("--line"), width: 1 },
      ticks: { show: false },
    };
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: 240,
        scales: { x: { time: false } },
        axes: [
          axis,
          {
            ...axis,
            size: 64,
            values: (_, ticks) => ticks.map(short),
          },
        ],
        series: [
          { label: words.runs.step },
          ...series.map(({ name }, i) => ({
            label: name,
            stroke: COLOURS[i % COLOURS.length]!,
            width: 1.6,
            spanGaps: true,
            points: { show: false },
          })),
        ],
        legend: { show: true },
      },
      alignedData(series),
      element,
    );
    const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: 240 }));
    resize.observe(element);
    const pick = (): void => {
      const { idx } = plot.cursor;
      if (idx !== null && idx !== undefined) onPick?.(plot.data[0][idx]!);
    };
    plot.over.addEventListener("click", pick);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [series, words.code]);
  return (
    <figure class="chart" aria-label={title}>
      <figcaption>{title}</figcaption>
      <div ref={box} />
    </figure>
  );
}
