/** @file The page about runs: which ones to show, their curves, and what a step learnt from. */
import { useEffect, useMemo, useState } from "preact/hooks";
import type { GroupLoss, RunInfo, RunStep } from "../../../src/serve/index.ts";
import { Chart, type Series } from "./chart.tsx";
import { integer } from "../format.ts";
import { messageOf } from "../fetch-here.ts";
import { fetchRuns, fetchSteps } from "./runs-api.ts";
import { Samples } from "./samples.tsx";
import { smooth } from "./smooth.ts";
import { StepLookup } from "./step-lookup.tsx";
import { words } from "../words.ts";

/** How often a run that goes on is asked again. */
const REFRESH_MS = 3000;
const MOST_LANGUAGES = 7;

/** `pretrain-1a2b3c…` → `pretrain 1a2b3c`. */
function shortName(id: string): string {
  return id.replace(/-([0-9a-f]{6})[0-9a-f]*(\.partial)?$/, " $1");
}

function useRuns(): { runs: readonly RunInfo[] | undefined; failure: string | undefined } {
  const [runs, setRuns] = useState<readonly RunInfo[]>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    const load = (): void => {
      fetchRuns().then(setRuns, (error: unknown) => setFailure(messageOf(error)));
    };
    load();
    const timer = setInterval(load, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return { runs, failure };
}

type Curves = ReadonlyMap<string, readonly RunStep[]>;

/** The steps of the chosen runs; those of running ones are fetched again and again. */
function useCurves(chosen: readonly string[]): Curves {
  const [curves, setCurves] = useState<Curves>(new Map());
  const key = chosen.join();
  useEffect(() => {
    let current = true;
    const load = (ids: readonly string[]): void => {
      for (const id of ids) {
        fetchSteps(id).then(
          (steps) => current && setCurves((before) => new Map(before).set(id, steps)),
          () => undefined,
        );
      }
    };
    load(chosen);
    const running = chosen.filter((id) => id.endsWith(".partial"));
    const timer = running.length === 0 ? undefined : setInterval(() => load(running), REFRESH_MS);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [key]);
  return curves;
}

function seriesOf(
  chosen: readonly string[],
  curves: Curves,
  span: number,
  value: (step: RunStep) => number | null,
): Series[] {
  return chosen.flatMap((id) => {
    const steps = curves.get(id);
    if (steps === undefined) return [];
    const smoothed = smooth(steps.map(value), span);
    return [{ name: shortName(id), points: steps.map(({ step }, i) => ({ step, value: smoothed[i]! })) }];
  });
}

/** A line per source or language of one run; of many, those whose loss has changed most. */
function groupSeries(
  steps: readonly RunStep[],
  groups: (step: RunStep) => Readonly<Record<string, GroupLoss>> | undefined,
): Series[] {
  const lines = new Map<string, { step: number; value: number | null }[]>();
  for (const step of steps) {
    for (const [name, { loss }] of Object.entries(groups(step) ?? {})) {
      lines.set(name, [...(lines.get(name) ?? []), { step: step.step, value: loss }]);
    }
  }
  const change = (points: readonly { value: number | null }[]): number =>
    Math.abs((points[0]?.value ?? 0) - (points.at(-1)?.value ?? 0));
  return [...lines]
    .map(([name, points]) => ({ name, points }))
    .sort((a, b) => change(b.points) - change(a.points))
    .slice(0, MOST_LANGUAGES);
}

function LiveLine({ run }: { readonly run: RunInfo }) {
  const { live } = run;
  if (live === null) return null;
  const number = (key: string): number => Number(live[key] ?? 0);
  const share = `${Math.floor((100 * number("step")) / Math.max(1, number("steps")))} %`;
  const left = `${Math.ceil(number("secondsLeft") / 60)} min`;
  const rate = integer(number("tokensPerSecond"));
  return <p role="status">{`${shortName(run.id)}: ${words.runs.live(share, left, rate)}`}</p>;
}

export function RunsView() {
  const { runs, failure } = useRuns();
  const [picked, setPicked] = useState<readonly string[]>();
  const [span, setSpan] = useState(20);
  const [step, setStep] = useState(1);
  const known = runs?.map(({ id }) => id) ?? [];
  // Pretraining is what most come to see; fine-tuning stands before it in the alphabet.
  const first = known.find((id) => id.startsWith("pretrain")) ?? known[0];
  const chosen = (picked ?? (first === undefined ? [] : [first])).filter((id) => known.includes(id));
  const curves = useCurves(chosen);
  const key = chosen.join();
  const charts = useMemo(() => {
    const of = (value: (step: RunStep) => number | null): Series[] => seriesOf(chosen, curves, span, value);
    const first = curves.get(chosen[0] ?? "") ?? [];
    return [
      { title: words.runs.loss, series: of(({ loss }) => loss) },
      { title: words.runs.bitsPerByte, series: of(({ bitsPerByte }) => bitsPerByte) },
      { title: words.runs.sources, series: groupSeries(first, ({ sources }) => sources) },
      { title: words.runs.languages, series: groupSeries(first, ({ languages }) => languages) },
      { title: words.runs.gradientNorm, series: of(({ gradientNorm }) => gradientNorm) },
      { title: words.runs.learningRate, series: of(({ learningRate }) => learningRate) },
    ].filter(({ series }) => series.some(({ points }) => points.some(({ value }) => value !== null)));
  }, [key, curves, span, words.code]);
  const skipped = chosen.flatMap((id) => curves.get(id) ?? []).filter((item) => item.skipped !== null).length;
  const toggle = (id: string): void =>
    setPicked(chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id]);
  return (
    <main class="tokens runs">
      <div class="column">
        <div class="lead">
          <h1>{words.runs.title}</h1>
          <p>{words.runs.lead}</p>
        </div>
        {failure !== undefined && runs === undefined && <p role="alert">{failure}</p>}
        {runs?.length === 0 && <p>{words.runs.none}</p>}
        <div class="chips" role="group" aria-label={words.runs.choose}>
          {runs?.map(({ id, running }) => (
            <button
              key={id}
              type="button"
              class="button"
              aria-pressed={chosen.includes(id)}
              onClick={() => toggle(id)}
            >
              {`${shortName(id)}${running ? ` (${words.runs.running})` : ""}`}
            </button>
          ))}
        </div>
        {runs?.map((run) => (
          <LiveLine key={run.id} run={run} />
        ))}
        <label class="smoothing">
          {words.runs.smoothing(span)}
          <input
            type="range"
            min="1"
            max="200"
            value={span}
            onInput={(event) => setSpan(Number(event.currentTarget.value))}
          />
        </label>
        {skipped > 0 && <p>{words.runs.skipped(skipped)}</p>}
        {charts.map(({ title, series }) => (
          <Chart key={title} title={title} series={series} onPick={setStep} />
        ))}
        {chosen[0] !== undefined && (
          <Samples run={chosen[0]} running={chosen[0].endsWith(".partial")} refreshMs={REFRESH_MS} />
        )}
        {chosen[0] !== undefined && <StepLookup run={chosen[0]} step={step} onStep={setStep} />}
      </div>
    </main>
  );
}
