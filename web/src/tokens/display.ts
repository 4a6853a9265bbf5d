/** @file How tokens and their probabilities look: visible blanks, broken bytes in hex, surprise in bits. */
import type { DistributionToken, ShownToken } from "../../../src/serve/index.ts";
import { words } from "../words.ts";

export interface TokenPart {
  readonly text: string;
  /** `blank` stands in for something invisible; `code` is a special token's name or bytes in hex. */
  readonly kind: "text" | "blank" | "code";
}

const MARKS: Readonly<Record<string, string>> = { " ": "·", "\n": "↵", "\t": "→", "\r": "␍", "\u00a0": "⍽" };

/** The token's text in pieces; blanks become marks, bytes that are no whole character become hex. */
export function tokenParts(token: ShownToken): TokenPart[] {
  if (token.bytes === null) return [{ text: token.text, kind: "code" }];
  const text = wholeCharacters(token.bytes);
  if (text === undefined) {
    return [{ text: token.bytes.map((byte) => byte.toString(16).toUpperCase()).join(" "), kind: "code" }];
  }
  // Nothing but spaces: a dot alone would be hard to see.
  if (/^ +$/.test(text)) return [{ text: "␣".repeat(text.length), kind: "text" }];
  return Array.from(text.matchAll(/[ \n\t\r\u00a0]|[^ \n\t\r\u00a0]+/g), ([piece]) => {
    const mark = MARKS[piece];
    return mark === undefined ? { text: piece, kind: "text" } : { text: mark, kind: "blank" };
  });
}

export function tokenLabel(token: ShownToken): string {
  return tokenParts(token)
    .map((part) => part.text)
    .join("");
}

function wholeCharacters(bytes: readonly number[]): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return undefined;
  }
}

/** −log₂ of the probability: 0 for what was certain, 1 for a coin's toss. */
export function surpriseBits(logprob: number): number {
  return -logprob / Math.LN2;
}

/** Surprise from 0 (expected) to 1; ten bits, one in a thousand, is the end of the scale. */
export function heat(bits: number): number {
  return Math.min(1, Math.max(0, bits / 10));
}

export function formatBits(bits: number): string {
  return Math.abs(bits) < 9.95 ? Math.max(0, bits).toFixed(1) : String(Math.round(bits));
}

export function formatShare(probability: number): string {
  const percent = probability * 100;
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  return `${percent >= 99.95 ? "100" : percent.toFixed(1)} %`;
}

export interface TextSummary {
  readonly tokens: number;
  readonly bytes: number;
  readonly bits: number;
}

/** What the text's tokens cost together; tokens without a probability (the first of all) do not count. */
export function summarize(tokens: readonly DistributionToken[]): TextSummary {
  const scored = tokens.filter((token) => token.logprob !== null);
  return {
    tokens: scored.length,
    bytes: scored.reduce((total, token) => total + (token.bytes?.length ?? 0), 0),
    bits: scored.reduce((total, token) => total + surpriseBits(token.logprob!), 0),
  };
}

export function summaryLine({ tokens, bytes, bits }: TextSummary): string {
  return words.tokens.summary(tokens, bytes, formatBits(bits), bytes === 0 ? "–" : (bits / bytes).toFixed(2));
}
