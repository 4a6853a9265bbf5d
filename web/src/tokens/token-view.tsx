/**
 * @file The lesson "[Die] [Sonne] [scheint] [?]": a text in tokens, at each place what a model expected, what the sampling
 * knobs make of it, how another model reads the same, and which of several continuations is the likeliest.
 */
import { useMemo, useState } from "preact/hooks";
import type { ModelInfo } from "../api.ts";
import { Knob } from "../knob.tsx";
import { words } from "../words.ts";
import { ContinuationRanking } from "./continuation-ranking.tsx";
import { ModelReading } from "./reading.tsx";
import { type Knobs, NEUTRAL } from "./sampling.ts";
import type { TokenInput } from "./use-distribution.ts";

/** Source: Brown et al. 2020, "Language Models are Few-Shot Learners", figure 2.1. */
const FEW_SHOT =
  "Translate English to French:\nsea otter => loutre de mer\npeppermint => menthe poivrée\ncheese =>";

interface TokenViewProps {
  readonly model: ModelInfo;
  readonly models: readonly ModelInfo[];
}

export function TokenView({ model, models }: TokenViewProps) {
  const text = words.tokens;
  const [typed, setTyped] = useState(text.examples[0]!);
  const [input, setInput] = useState<TokenInput>({ text: typed });
  const [asText, setAsText] = useState(false);
  const [otherId, setOtherId] = useState("");
  const [knobs, setKnobs] = useState(NEUTRAL);
  const [knobsOpen, setKnobsOpen] = useState(false);
  const other = models.find(({ id }) => id === otherId && id !== model.id);
  const type = (value: string): void => {
    setTyped(value);
    setInput({ text: value });
  };
  const options = { asText, knobs: knobsOpen ? knobs : undefined };
  return (
    <main class="tokens">
      <div class={other === undefined ? "column" : "column wide"}>
        <header class="lead">
          <h1>{text.title}</h1>
          <p>{text.introduction}</p>
        </header>
        <div class="input-row">
          <textarea
            rows={Math.min(8, Math.max(2, typed.split("\n").length))}
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
          <li>
            <button type="button" onClick={() => type(FEW_SHOT)}>
              {text.fewShot}
            </button>
          </li>
        </ul>
        <div class="token-tools">
          <fieldset class="switch">
            <legend class="hidden">{text.show}</legend>
            {[false, true].map((value) => (
              <label key={String(value)}>
                <input
                  type="radio"
                  name="show"
                  checked={asText === value}
                  onChange={() => setAsText(value)}
                />
                {value ? text.asText : text.asStrip}
              </label>
            ))}
          </fieldset>
          {models.length > 1 && (
            <label class="compare">
              {text.compare}
              <select value={other?.id ?? ""} onChange={(event) => setOtherId(event.currentTarget.value)}>
                <option value="">{text.compareNone}</option>
                {models
                  .filter(({ id }) => id !== model.id)
                  .map(({ id }) => (
                    <option key={id} value={id}>
                      {id}
                    </option>
                  ))}
              </select>
            </label>
          )}
        </div>
        <details class="knobs" open={knobsOpen} onToggle={(event) => setKnobsOpen(event.currentTarget.open)}>
          <summary>{text.knobs}</summary>
          <SamplingKnobs knobs={knobs} onChange={setKnobs} />
        </details>
        <div class={other === undefined ? "readings" : "readings two"}>
          <div>
            {other !== undefined && <h2 class="speaker">{model.id}</h2>}
            <ModelReading
              model={model}
              input={input}
              onTokens={(ids, spelled) => {
                setTyped(spelled);
                setInput({ tokens: ids });
              }}
              {...options}
            />
          </div>
          {other !== undefined && (
            <div>
              <h2 class="speaker">{other.id}</h2>
              {/* Token ids mean something to their own model only; the other one is given the text. */}
              <OtherReading key={other.id} model={other} text={typed} onText={type} options={options} />
            </div>
          )}
        </div>
        <ContinuationRanking models={other === undefined ? [model] : [model, other]} context={typed} />
      </div>
    </main>
  );
}

interface OtherReadingProps {
  readonly model: ModelInfo;
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly options: { readonly asText: boolean; readonly knobs: Knobs | undefined };
}

function OtherReading({ model, text, onText, options }: OtherReadingProps) {
  const input = useMemo(() => ({ text }), [text]);
  return (
    <ModelReading model={model} input={input} onTokens={(_ids, spelled) => onText(spelled)} {...options} />
  );
}

interface SamplingKnobsProps {
  readonly knobs: Knobs;
  readonly onChange: (knobs: Knobs) => void;
}

function SamplingKnobs({ knobs, onChange }: SamplingKnobsProps) {
  const text = words.settings;
  const set = (change: Partial<Knobs>): void => onChange({ ...knobs, ...change });
  return (
    <div class="knob-grid">
      <Knob
        label={text.temperature}
        help={text.temperatureHelp}
        value={knobs.temperature}
        range={{ min: 0, max: 2, step: 0.05 }}
        onChange={(temperature) => set({ temperature })}
      />
      <Knob
        label={text.topK}
        help={text.topKHelp}
        value={knobs.topK}
        range={{ min: 0, max: 100, step: 1 }}
        onChange={(topK) => set({ topK })}
      />
      <Knob
        label={text.topP}
        help={text.topPHelp}
        value={knobs.topP}
        range={{ min: 0.05, max: 1, step: 0.05 }}
        onChange={(topP) => set({ topP })}
      />
      <Knob
        label={text.minP}
        help={text.minPHelp}
        value={knobs.minP}
        range={{ min: 0, max: 1, step: 0.05 }}
        onChange={(minP) => set({ minP })}
      />
    </div>
  );
}
