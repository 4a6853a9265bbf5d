/** @file The lesson "[Die] [Sonne] [scheint] [?]": a text in tokens, and at each place what the model expected. */
import { useState } from "preact/hooks";
import type { DistributionAnswer, DistributionToken } from "../../../src/serve/index.ts";
import type { ModelInfo } from "../api.ts";
import { BackspaceIcon } from "../icons.tsx";
import { words } from "../words.ts";
import { DistributionBars } from "./distribution-bars.tsx";
import { summarize, summaryLine, tokenLabel } from "./display.ts";
import { useLocalCut } from "./local-tokenizer.ts";
import { TokenStrip } from "./token-strip.tsx";
import { type TokenInput, useDistribution } from "./use-distribution.ts";

export function TokenView({ model }: { readonly model: ModelInfo }) {
  const text = words.tokens;
  const [typed, setTyped] = useState(text.examples[0]!);
  const [input, setInput] = useState<TokenInput>({ text: typed });
  /** The place looked at, as an index into the tokens; `undefined` is the place after the last one. */
  const [place, setPlace] = useState<number>();
  const { answer, loading, failure } = useDistribution(model.id, input);
  const cut = useLocalCut(model.id, "text" in input ? input.text : undefined, answer);

  const type = (value: string): void => {
    setTyped(value);
    setInput({ text: value });
    setPlace(undefined);
  };
  const useTokens = (ids: readonly number[], spelled: string): void => {
    setTyped(spelled);
    setInput({ tokens: ids });
    setPlace(undefined);
  };
  return (
    <main class="tokens">
      <div class="column">
        <header class="lead">
          <h1>{text.title}</h1>
          <p>{text.introduction}</p>
        </header>
        <div class="input-row">
          <textarea
            rows={2}
            dir="auto"
            value={typed}
            aria-label={text.input}
            placeholder={text.placeholder}
            spellcheck={false}
            onInput={(event) => type(event.currentTarget.value)}
          />
        </div>
        <ul class="chips" aria-label={words.chat.examplesTitle}>
          {text.examples.map((example) => (
            <li key={example}>
              <button type="button" onClick={() => type(example)}>
                {example}
              </button>
            </li>
          ))}
        </ul>
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
              vocabSize={model.vocab_size}
              place={place}
              onPlace={setPlace}
              onTokens={useTokens}
            />
          </div>
        )}
      </div>
    </main>
  );
}

interface ReadingProps {
  readonly answer: DistributionAnswer;
  /** The tokens of the text as it is now, while the answer is still about an earlier one. */
  readonly cut: readonly DistributionToken[] | undefined;
  /** The text has changed since: what is shown can be read but not built upon. */
  readonly stale: boolean;
  readonly vocabSize: number;
  readonly place: number | undefined;
  readonly onPlace: (place: number | undefined) => void;
  readonly onTokens: (ids: readonly number[], spelled: string) => void;
}

function Reading({ answer, cut, stale, vocabSize, place, onPlace, onTokens }: ReadingProps) {
  const text = words.tokens;
  const { next } = answer;
  const tokens = cut ?? answer.tokens;
  if (tokens.length === 0) return <p class="faint">{text.noStart}</p>;
  const at = Math.min(place ?? tokens.length, tokens.length);
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
  return (
    <>
      <div class="cut">
        <TokenStrip
          tokens={tokens}
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
        <DistributionBars
          choices={next[Math.min(at, next.length) - 1] ?? []}
          actual={actual}
          vocabSize={vocabSize}
          onChoose={(token) => keep(at, token)}
        />
      </section>
    </>
  );
}
