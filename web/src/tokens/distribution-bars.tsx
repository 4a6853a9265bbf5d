/** @file The probabilities at one place as bars that add up to 100 %: the likeliest tokens, the real one, the rest. */
import type { DistributionToken, ShownToken } from "../../../src/serve/index.ts";
import { words } from "../words.ts";
import { formatShare, tokenLabel } from "./display.ts";
import { TokenText } from "./token-strip.tsx";

type Choice = ShownToken & { readonly probability: number };

interface DistributionBarsProps {
  readonly choices: readonly Choice[];
  /** The token that stands at this place in the text, if one does. */
  readonly actual: DistributionToken | undefined;
  /** Tokens that have a probability and are not among the choices. */
  readonly others: number;
  readonly onChoose: (token: ShownToken) => void;
}

export function DistributionBars({ choices, actual, others, onChoose }: DistributionBarsProps) {
  const text = words.tokens;
  const rows = withActual(choices, actual);
  const rest = Math.max(0, 1 - rows.reduce((total, { probability }) => total + probability, 0));
  const hidden = others - (rows.length - choices.length);
  const largest = Math.max(...rows.map(({ probability }) => probability));
  const width = (probability: number) => ({ "--share": (probability / largest).toFixed(4) });
  return (
    <ol class="bars">
      {rows.map((choice) => {
        const isActual = choice.id === actual?.id;
        const share = formatShare(choice.probability);
        return (
          <li key={choice.id}>
            <button
              type="button"
              class={isActual ? "bar-row actual" : "bar-row"}
              data-probability={choice.probability}
              title={text.append(tokenLabel(choice), share)}
              onClick={() => onChoose(choice)}
            >
              <span class="bar-token">
                <TokenText token={choice} />
              </span>
              <span class="bar-track" style={width(choice.probability)}>
                <i />
              </span>
              <span class="bar-share">
                {share}
                {isActual && <span class="hidden">{`, ${text.inText}`}</span>}
              </span>
            </button>
          </li>
        );
      })}
      {hidden > 0 && (
        <li class="bar-row rest" data-probability={rest}>
          <span class="bar-token">{text.others(hidden.toLocaleString(words.code))}</span>
          {/* No bar: beside the sum of hundreds of tokens the single ones would look like nothing. */}
          <span />
          <span class="bar-share">{formatShare(rest)}</span>
        </li>
      )}
    </ol>
  );
}

/** The likeliest tokens, with the text's own token at the end when it is not among them. */
function withActual(choices: readonly Choice[], actual: DistributionToken | undefined): readonly Choice[] {
  if (actual === undefined || actual.logprob === null) return choices;
  if (choices.some(({ id }) => id === actual.id)) return choices;
  return [...choices, { ...actual, probability: Math.exp(actual.logprob) }];
}
