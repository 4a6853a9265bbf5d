/** @file One model's reading of a text: its tokens, its surprise, and at each place what it expected or would draw. */
import { useEffect, useState } from "preact/hooks";
import type { DistributionAnswer, DistributionToken } from "../../../src/serve/index.ts";
import type { ModelInfo } from "../api.ts";
import { BackspaceIcon } from "../icons.tsx";
import { words } from "../words.ts";
import { DistributionBars } from "./distribution-bars.tsx";
import { summarize, summaryLine, tokenLabel } from "./display.ts";
import { useLocalCut } from "./local-tokenizer.ts";
import { type Knobs, sampledShares } from "./sampling.ts";
import { TokenStrip } from "./token-strip.tsx";
import { type TokenInput, useDistribution } from "./use-distribution.ts";
import { useNext } from "./use-next.ts";

export interface ReadingOptions {
  /** Flowing text instead of a row of tokens. */
  readonly asText: boolean;
  /** Set while the bars show what sampling draws from. */
  readonly knobs: Knobs | undefined;
}

interface ModelReadingProps extends ReadingOptions {
  readonly model: ModelInfo;
  readonly input: TokenInput;
  /** The reader has chosen tokens: their ids, and the text they spell. */
  readonly onTokens: (ids: readonly number[], spelled: string) => void;
}

export function ModelReading({ model, input, onTokens, ...options }: ModelReadingProps) {
  const { answer, loading, failure } = useDistribution(model.id, input);
  const cut = useLocalCut(model.id, "text" in input ? input.text : undefined, answer);
  /** The place looked at, as an index into the tokens; `undefined` is the place after the last one. */
  const [place, setPlace] = useState<number>();
  useEffect(() => setPlace(undefined), [input]);
  return (
    <>
      {failure !== undefined && (
        <div class="failure" role="alert">
          <p>{failure}</p>
        </div>
      )}
      {answer !== undefined && (
        <div class="reading" aria-busy={loading}>
          <Reading
            answer={answer}
            cut={loading ? cut : undefined}
            stale={loading}
            model={model}
            place={place}
            onPlace={setPlace}
            onTokens={onTokens}
            {...options}
          />
        </div>
      )}
    </>
  );
}

interface ReadingProps extends Omit<ModelReadingProps, "input"> {
  readonly answer: DistributionAnswer;
  /** The tokens of the text as it is now, while the answer is still about an earlier one. */
  readonly cut: readonly DistributionToken[] | undefined;
  /** The text has changed since: what is shown can be read but not built upon. */
  readonly stale: boolean;
  readonly place: number | undefined;
  readonly onPlace: (place: number | undefined) => void;
}

function Reading({ answer, cut, stale, model, place, onPlace, onTokens, asText, knobs }: ReadingProps) {
  const text = words.tokens;
  const { next } = answer;
  const tokens = cut ?? answer.tokens;
  const at = Math.min(place ?? tokens.length, tokens.length);
  const logprobs = useNext(
    model.id,
    knobs === undefined || stale ? undefined : tokens.slice(0, at).map(({ id }) => id),
  );
  if (tokens.length === 0) return <p class="faint">{text.noStart}</p>;
  const actual = tokens[at];
  const keep = (
    count: number,
    ...more: readonly { readonly id: number; readonly bytes: readonly number[] | null }[]
  ) => {
    if (stale) return;
    const kept = [...tokens.slice(0, count), ...more];
    const bytes = kept.flatMap((token) => token.bytes ?? []);
    onTokens(
      kept.map(({ id }) => id),
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes)),
    );
  };
  const removable = tokens.length > 1;
  const shares = knobs === undefined || logprobs === undefined ? undefined : sampledShares(logprobs, knobs);
  const likeliest = next[Math.min(at, next.length) - 1] ?? [];
  return (
    <>
      <div class="cut">
        <TokenStrip
          tokens={tokens}
          asText={asText}
          place={at}
          onPlace={(index) => onPlace(index === tokens.length ? undefined : index)}
        />
        <div class="strip-foot">
          <span class="stats">{summaryLine(summarize(tokens))}</span>
          <span class="legend" aria-hidden="true">
            {text.calm}
            <i />
            {text.surprising}
          </span>
          <button
            type="button"
            class="icon-button small"
            aria-label={text.removeLast}
            title={text.removeLast}
            disabled={!removable}
            onClick={() => keep(tokens.length - 1)}
          >
            <BackspaceIcon />
          </button>
        </div>
      </div>
      <section class="expected">
        <h2>{actual === undefined ? text.expectedNext : text.expectedHere(tokenLabel(actual))}</h2>
        <p class="faint">{actual === undefined ? text.hintNext : text.hintHere}</p>
        {shares !== undefined && (
          <p class="drawn" role="status">
            {text.drawnFrom(
              shares.length.toLocaleString(words.code),
              model.vocab_size.toLocaleString(words.code),
            )}
          </p>
        )}
        <DistributionBars
          // Sampling never changes the order, so the n-th share belongs to the n-th likeliest token.
          choices={
            shares === undefined
              ? likeliest
              : likeliest.slice(0, shares.length).map((choice, rank) => {
                  return { ...choice, probability: shares[rank]! };
                })
          }
          actual={shares === undefined ? actual : undefined}
          others={(shares?.length ?? model.vocab_size) - likeliest.length}
          onChoose={(token) => keep(at, token)}
        />
      </section>
    </>
  );
}
