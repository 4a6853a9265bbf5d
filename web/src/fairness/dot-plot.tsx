/** @file Every language a dot: dots pile up where languages are alike, and the outliers stand alone. */
import { useEffect, useRef, useState } from "preact/hooks";
import { labelOf, type Measure } from "./measures.ts";
import { words } from "../words.ts";

/** A language's place on the scale. */
export interface Dot {
  readonly language: string;
  readonly label: string;
  readonly value: number;
  /** One of those that the reader looks for. */
  readonly marked: boolean;
}

const STEP = 5;
const RADIUS = 2.1;
const HIGHEST = 150;
/** Room for half a number at the ends of the scale. */
const SIDE = 22;
const AXIS = 24;

/** About six round numbers from `low` to `high`. */
export function ticks(low: number, high: number): number[] {
  const span = Math.max(high - low, Number.EPSILON);
  const rough = span / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/** Dots in columns: [dot, column, height in its column], the marked ones at the bottom. */
export function piles(dots: readonly Dot[], columnOf: (value: number) => number): [Dot, number, number][] {
  const heights = new Map<number, number>();
  return dots
    .toSorted((a, b) => Number(b.marked) - Number(a.marked) || a.value - b.value)
    .map((dot) => {
      const column = columnOf(dot.value);
      const height = heights.get(column) ?? 0;
      heights.set(column, height + 1);
      return [dot, column, height];
    });
}

function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [box, width];
}

interface DotPlotProps {
  readonly name: string;
  readonly measure: Measure;
  readonly dots: readonly Dot[];
  /** The same for all plots on the page, so that they can be compared. */
  readonly range: readonly [low: number, high: number];
  readonly anyMarked: boolean;
}

export function DotPlot({ name, measure, dots, range: [low, high], anyMarked }: DotPlotProps) {
  const [box, width] = useWidth();
  const inner = Math.max(1, width - 2 * SIDE);
  const share = (value: number): number => (value - low) / Math.max(high - low, Number.EPSILON);
  const placed = piles(dots, (value) => Math.round((share(value) * inner) / STEP));
  const tallest = placed.reduce((most, [, , height]) => Math.max(most, height), 0);
  const rise = Math.min(STEP, HIGHEST / (tallest + 1));
  const ground = Math.ceil(rise * (tallest + 1)) + 4;
  return (
    <figure class="dots">
      <figcaption>{name}</figcaption>
      <div ref={box}>
        {width > 0 && (
          <svg
            width={width}
            height={ground + AXIS}
            role="img"
            aria-label={words.tokenizer.plotLabel(name, labelOf(measure))}
            class={anyMarked ? "searching" : undefined}
          >
            <line class="ground" x1={SIDE} x2={width - SIDE} y1={ground} y2={ground} />
            {ticks(low, high).map((tick) => (
              <text key={tick} x={SIDE + share(tick) * inner} y={ground + 16} text-anchor="middle">
                {measure.format(tick)}
              </text>
            ))}
            {placed.map(([dot, column, height]) => (
              <circle
                key={dot.language}
                class={dot.marked ? "marked" : undefined}
                cx={SIDE + column * STEP}
                cy={ground - 4 - height * rise}
                r={dot.marked ? RADIUS + 1 : RADIUS}
              >
                <title>{`${dot.label}: ${measure.format(dot.value)}`}</title>
              </circle>
            ))}
          </svg>
        )}
      </div>
    </figure>
  );
}
