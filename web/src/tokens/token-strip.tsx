/** @file The text as a row of tokens, warmer where the model was surprised; the last place is the open question. */
import { useRef } from "preact/hooks";
import type { DistributionToken, ShownToken } from "../../../src/serve/index.ts";
import { words } from "../words.ts";
import { formatBits, formatShare, heat, surpriseBits, tokenLabel, tokenParts } from "./display.ts";

export function TokenText({ token }: { readonly token: ShownToken }) {
  return (
    <bdi class="token-text">
      {tokenParts(token).map((part, index) => (
        <span key={index} class={part.kind}>
          {part.text}
        </span>
      ))}
    </bdi>
  );
}

interface TokenStripProps {
  readonly tokens: readonly DistributionToken[];
  /** As flowing text, warm where the model was surprised. */
  readonly asText: boolean;
  /** Which place is looked at; `tokens.length` is the place after the last token. */
  readonly place: number;
  readonly onPlace: (place: number) => void;
}

export function TokenStrip({ tokens, asText, place, onPlace }: TokenStripProps) {
  const strip = useRef<HTMLDivElement>(null);
  const text = words.tokens;
  /** Places that have a distribution: every one but the first token's, which nothing comes before. */
  const go = (target: number): void => {
    const to = Math.min(tokens.length, Math.max(1, target));
    onPlace(to);
    strip.current?.querySelector<HTMLElement>(`[data-place="${to}"]`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const targets: Record<string, number> = {
      ArrowLeft: place - 1,
      ArrowRight: place + 1,
      Home: 1,
      End: tokens.length,
    };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    go(target);
  };
  const chip = (index: number) => ({
    type: "button" as const,
    role: "radio" as const,
    "aria-checked": index === place,
    tabIndex: index === place ? 0 : -1,
    "data-place": index,
    onClick: () => onPlace(index),
  });
  return (
    <div
      class={asText ? "strip as-text" : "strip"}
      ref={strip}
      role="radiogroup"
      aria-label={text.strip}
      onKeyDown={onKeyDown}
    >
      {tokens.map((token, index) =>
        token.logprob === null ? (
          <span key={index} class="chip start" title={text.startLabel(tokenLabel(token))}>
            <TokenText token={token} />
          </span>
        ) : (
          <ScoredChip key={index} token={token} logprob={token.logprob} chip={chip(index)} />
        ),
      )}
      <button
        {...chip(tokens.length)}
        class="chip question"
        aria-label={text.unknownLabel}
        title={text.unknownLabel}
      >
        {text.unknown}
      </button>
    </div>
  );
}

interface ScoredChipProps {
  readonly token: DistributionToken;
  readonly logprob: number;
  readonly chip: object;
}

function ScoredChip({ token, logprob, chip }: ScoredChipProps) {
  const bits = surpriseBits(logprob);
  const label = words.tokens.tokenLabel(tokenLabel(token), formatBits(bits), formatShare(Math.exp(logprob)));
  return (
    <button
      {...chip}
      class="chip"
      aria-label={label}
      title={label}
      style={{ "--heat": heat(bits).toFixed(3) }}
    >
      <TokenText token={token} />
      <small>{formatBits(bits)}</small>
    </button>
  );
}
