/** @file What a run's model said to the same prompts, before, while and after it learnt. */
import { useEffect, useState } from "preact/hooks";
import type { RunSample } from "../../../src/serve/index.ts";
import { fetchSamples } from "./runs-api.ts";
import { words } from "../words.ts";

interface SamplesProps {
  readonly run: string;
  readonly running: boolean;
  readonly refreshMs: number;
}

/** Those of `run`; of one that goes on, asked for again and again. */
function useSamples({ run, running, refreshMs }: SamplesProps): readonly RunSample[] {
  const [samples, setSamples] = useState<readonly RunSample[]>([]);
  useEffect(() => {
    let current = true;
    const load = (): void => {
      fetchSamples(run).then(
        (found) => current && setSamples(found),
        () => undefined,
      );
    };
    setSamples([]);
    load();
    const timer = running ? setInterval(load, refreshMs) : undefined;
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [run, running]);
  return samples;
}

export function Samples(props: SamplesProps) {
  const samples = useSamples(props);
  const prompts = samples[0]?.samples.map(({ prompt }) => prompt) ?? [];
  if (prompts.length === 0) return null;
  const last = samples.at(-1)!.step;
  return (
    <section class="samples">
      <h2>{words.runs.samples}</h2>
      {prompts.map((prompt, at) => (
        <details key={prompt} open={at === 0}>
          <summary dir="auto">{prompt}</summary>
          <dl>
            {samples.map(({ step, samples: said }) => (
              <div key={step}>
                <dt>{words.runs.sampleAt(step, !props.running && step === last)}</dt>
                <dd dir="auto">{said[at]?.text ?? ""}</dd>
              </div>
            ))}
          </dl>
        </details>
      ))}
    </section>
  );
}
