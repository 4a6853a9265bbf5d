/** @file Likelihood as a classifier: continuations of the text, ranked by how likely a model finds them. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type ModelInfo, type ScoredContinuation, scoreContinuations } from "../api.ts";
import { ApiFailure } from "../fetch-here.ts";
import { words } from "../words.ts";
import { formatShare } from "./display.ts";

const MOST = 20;

interface Ranking {
  readonly model: string;
  readonly rows: readonly (ScoredContinuation & { readonly share: number })[];
}

/** Likeliest first; the shares are what the likelihoods say about these continuations alone. */
function rank(model: string, scored: readonly ScoredContinuation[]): Ranking {
  const rows = [...scored].sort((a, b) => b.logprob - a.logprob);
  const largest = rows[0]?.logprob ?? 0;
  const total = rows.reduce((sum, { logprob }) => sum + Math.exp(logprob - largest), 0);
  return { model, rows: rows.map((row) => ({ ...row, share: Math.exp(row.logprob - largest) / total })) };
}

interface ContinuationRankingProps {
  readonly models: readonly ModelInfo[];
  readonly context: string;
}

export function ContinuationRanking({ models, context }: ContinuationRankingProps) {
  const text = words.tokens;
  const [lines, setLines] = useState(text.rankExample);
  const [rankings, setRankings] = useState<readonly Ranking[]>([]);
  const [failure, setFailure] = useState<string>();
  const running = useRef<AbortController | undefined>(undefined);
  const inputId = useId();
  useEffect(() => setRankings([]), [context, lines, models.map(({ id }) => id).join("\n")]);
  useEffect(() => () => running.current?.abort(), []);
  const continuations = [...new Set(lines.split("\n").map((line) => line.trim()))]
    .filter((line) => line !== "")
    .slice(0, MOST);
  const compare = async (): Promise<void> => {
    const controller = new AbortController();
    running.current?.abort();
    running.current = controller;
    setFailure(undefined);
    const before = context === "" || /\s$/.test(context) ? context : `${context} `;
    try {
      const found = await Promise.all(
        models.map(async ({ id }) =>
          rank(id, await scoreContinuations(id, before, continuations, controller.signal)),
        ),
      );
      if (!controller.signal.aborted) setRankings(found);
    } catch (error) {
      if (!controller.signal.aborted)
        setFailure(error instanceof ApiFailure ? error.message : words.noServer);
    }
  };
  return (
    <section class="ranking">
      <h2>{text.rank}</h2>
      <p class="faint">{text.rankHelp}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void compare();
        }}
      >
        <label for={inputId} class="hidden">
          {text.rankInput}
        </label>
        <textarea
          id={inputId}
          rows={4}
          dir="auto"
          spellcheck={false}
          value={lines}
          onInput={(event) => setLines(event.currentTarget.value)}
        />
        <button type="submit" class="button" disabled={continuations.length < 2}>
          {text.rankRun}
        </button>
      </form>
      {failure !== undefined && (
        <p class="failure" role="alert">
          {failure}
        </p>
      )}
      {rankings.map(({ model, rows }) => (
        <div key={model} class="rank-table" tabIndex={0} role="region" aria-label={`${text.rank} ${model}`}>
          <table>
            <caption class="speaker">{model}</caption>
            <thead>
              <tr>
                <th scope="col">{text.rankColumns.continuation}</th>
                <th scope="col">{text.rankColumns.share}</th>
                <th scope="col">{text.rankColumns.logprob}</th>
                <th scope="col">{text.rankColumns.perByte}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ text: continuation, share, logprob, bytes }) => (
                <tr key={continuation}>
                  <th scope="row">{continuation}</th>
                  <td>{formatShare(share)}</td>
                  <td>{logprob.toFixed(2)}</td>
                  <td>{(logprob / bytes).toFixed(3)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ))}
    </section>
  );
}
