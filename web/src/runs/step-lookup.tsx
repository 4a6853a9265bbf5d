/** @file What a step of a run learnt from: `firn trace step` on the page. */
import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../fetch-here.ts";
import { fetchStep, type StepDocuments } from "./runs-api.ts";
import { words } from "../words.ts";

interface StepLookupProps {
  readonly run: string;
  readonly step: number;
  readonly onStep: (step: number) => void;
}

export function StepLookup({ run, step, onStep }: StepLookupProps) {
  const [found, setFound] = useState<{ readonly step: number; readonly trace: StepDocuments }>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    setFound(undefined);
    setFailure(undefined);
  }, [run]);
  const ask = (event: SubmitEvent): void => {
    event.preventDefault();
    setFailure(undefined);
    fetchStep(run, step).then(
      (trace) => setFound({ step, trace }),
      (error: unknown) => setFailure(messageOf(error)),
    );
  };
  return (
    <section>
      <form class="step-lookup" onSubmit={ask}>
        <label>
          {`${words.runs.step} `}
          <input
            type="number"
            min="1"
            value={step}
            onInput={(event) => onStep(Number(event.currentTarget.value))}
          />
        </label>
        <button type="submit" class="button">
          {words.runs.trace}
        </button>
      </form>
      {failure !== undefined && <p role="alert">{failure}</p>}
      {found !== undefined && (
        <>
          <h2>{words.runs.learntFrom(found.step, found.trace.documents.length)}</h2>
          <ul>
            {found.trace.documents.map(({ document, source }, i) => (
              <li key={`${i} ${document}`}>
                {(source ?? null) === null ? document : `${document} (${source})`}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
