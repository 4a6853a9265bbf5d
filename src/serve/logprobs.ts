/** @file Log probabilities in the two shapes of OpenAI's API: chat's lists and the older completions' columns. */
import type { GeneratedToken, TokenChoice } from "../generate/index.ts";
import type { ChatCodec } from "./chat-codec.ts";

/** JSON has no minus infinity; OpenAI's API says −9999 for what cannot happen. */
const IMPOSSIBLE = -9999;

export interface ChatTokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: number[] | null;
}

export function chatTokenLogprobs(codec: ChatCodec, token: GeneratedToken) {
  return { ...chatChoice(codec, token), top_logprobs: token.top.map((choice) => chatChoice(codec, choice)) };
}

function chatChoice(codec: ChatCodec, { id, logprob }: TokenChoice): ChatTokenLogprob {
  const bytes = codec.tokenBytes(id);
  return {
    token: codec.tokenText(id),
    logprob: finite(logprob),
    bytes: bytes === undefined ? null : [...bytes],
  };
}

export interface CompletionLogprobs {
  readonly tokens: string[];
  readonly token_logprobs: (number | null)[];
  readonly top_logprobs: (Record<string, number> | null)[];
  readonly text_offset: number[];
}

/** A token of a completion: `logprob` is null for the very first token of an echoed prompt. */
export interface OffsetToken {
  readonly id: number;
  readonly logprob: number | null;
  readonly top: readonly TokenChoice[];
  /** Where its text begins, in UTF-16 units of the choice's text. */
  readonly offset: number;
}

/**
 * The columns for one run of tokens. `text_offset` counts Unicode code points from the start of the choice's whole
 * text, as OpenAI's does; `offsets` carries that count from one streamed piece to the next.
 */
export function completionLogprobs(
  codec: ChatCodec,
  tokens: readonly OffsetToken[],
  offsets: CodePointCounter,
): CompletionLogprobs {
  return {
    tokens: tokens.map(({ id }) => legacyName(codec, id)),
    token_logprobs: tokens.map(({ logprob }) => (logprob === null ? null : finite(logprob))),
    top_logprobs: tokens.map(({ id, logprob, top }) => {
      if (logprob === null) return null;
      const all = top.some((choice) => choice.id === id) ? top : [...top, { id, logprob }];
      return Object.fromEntries(all.map((choice) => [legacyName(codec, choice.id), finite(choice.logprob)]));
    }),
    text_offset: tokens.map(({ offset }) => offsets.at(offset)),
  };
}

/** Turns UTF-16 offsets into code point offsets while a text grows; offsets must not decrease. */
export class CodePointCounter {
  #text = "";
  #units = 0;
  #points = 0;

  append(text: string): void {
    this.#text += text;
  }

  at(units: number): number {
    for (const character of this.#text.slice(this.#units, units)) {
      this.#units += character.length;
      this.#points += 1;
    }
    return this.#points;
  }
}

/** Columns are keyed by text, so a token that is not whole characters is written as `bytes:\xe2\x80`. */
function legacyName(codec: ChatCodec, id: number): string {
  const bytes = codec.tokenBytes(id);
  if (bytes === undefined) return codec.tokenText(id);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return `bytes:${[...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}`;
  }
}

/** `logprob` as JSON can hold it. */
export function finite(logprob: number): number {
  return Math.max(logprob, IMPOSSIBLE);
}
