/**
 * @file One answer: token ids from the model become text that is safe to send. Bytes of a character that spans
 * tokens wait for the rest, text that may become a stop string waits for its outcome, and every token leaves
 * together with the text it completed.
 */
import type { GeneratedToken, SamplingSettings, TokenChoice, TokenConstraint } from "../generate/index.ts";
import { OutputGuard, type OutputIndex } from "./output-guard.ts";
import { StopMatcher } from "./stop-matcher.ts";
import type { ServedModel } from "./served-model.ts";

export interface AnswerOptions {
  /** Upper bound the client asked for; `undefined` leaves all the room of the context. */
  readonly maxTokens: number | undefined;
  readonly sampling: SamplingSettings;
  readonly stops: readonly string[];
  /** Alternatives to report for each token. */
  readonly topLogprobs: number;
  /** What the answer is held to. */
  readonly constraint: TokenConstraint | undefined;
  /** Tell thoughts and tool calls from the answer's text; else everything is text. */
  readonly channels: boolean;
  /** What must not be said. */
  readonly filter: OutputIndex | undefined;
  readonly signal: AbortSignal;
}

/** What a part of an answer is: for the user, the model's own thoughts, or calls of tools. */
export type Channel = "text" | "thoughts" | "calls";

/** A sent token; `offset` is where its text begins, in UTF-16 units of the answer. */
export interface AnswerToken extends GeneratedToken {
  readonly offset: number;
}

export interface AnswerPiece {
  readonly channel: Channel;
  readonly text: string;
  readonly tokens: readonly AnswerToken[];
}

export interface AnswerEnd {
  readonly finishReason: "stop" | "length" | "content_filter";
  /** The request for removal whose passage ended it, if one did. */
  readonly filtered: string | undefined;
  /** The stop string that ended it, if one did. */
  readonly stopString: string | undefined;
  /** Tokens the model produced, those of a stop string included. */
  readonly completionTokens: number;
  /** Those among them that were thoughts. */
  readonly thoughtTokens: number;
  /** Tokens of the prompt that had been read for an earlier request. */
  readonly cachedTokens: number;
  /** From the start to the first token: reading the prompt. */
  readonly promptSeconds: number;
  /** From the first token to the last. */
  readonly generationSeconds: number;
}

/**
 * Answers `prompt` (which must be shorter than the context). Ends with `length` when `maxTokens` or the context's
 * end cut the answer, with `content_filter` before a passage that must not be said, else with `stop`. Throws the signal's reason when it is aborted.
 */
export async function* answer(
  served: ServedModel,
  prompt: readonly number[],
  options: AnswerOptions,
): AsyncGenerator<AnswerPiece, AnswerEnd, void> {
  const room = served.model.contextLength - prompt.length;
  const maxTokens = Math.min(options.maxTokens ?? room, room);
  let says = new Speech(options.stops, options.filter);
  const text = new TextAssembler(served);
  let channel: Channel = "text";
  let [completionTokens, thoughtTokens, cachedTokens] = [0, 0, 0];
  const startedAt = performance.now();
  let firstAt = startedAt;
  let lastAt = startedAt;
  const onPrompt = (prompt: { readonly cachedTokens: number }): void => {
    ({ cachedTokens } = prompt);
  };

  if (maxTokens > 0) {
    const asked = { ...generateOptions(served, maxTokens, options), onPrompt };
    for await (const token of served.model.generate(prompt, asked)) {
      options.signal.throwIfAborted();
      completionTokens += 1;
      lastAt = performance.now();
      if (completionTokens === 1) firstAt = lastAt;
      const next: Channel = options.channels ? channelAfter(served, channel, token.id) : channel;
      if (next !== channel) {
        const rest = text.release(says.end(), says.blocked === undefined ? "all" : "more");
        if (rest !== undefined) yield { channel, ...rest };
        if (says.blocked !== undefined) break;
        channel = next;
        says = new Speech(channel === "text" ? options.stops : [], options.filter);
        text.restart();
      }
      if (channel === "thoughts") thoughtTokens += 1;
      const piece = text.release(says.push(text.decode(token)), "more");
      if (piece !== undefined) yield { channel, ...piece };
      if (says.over) break;
    }
  }
  options.signal.throwIfAborted();
  if (!says.over) {
    const last = says.end();
    const rest = text.release(last, says.over ? "more" : "all");
    if (rest !== undefined) yield { channel, ...rest };
  }
  const cut = completionTokens >= maxTokens && options.constraint?.complete !== true;
  return {
    finishReason:
      says.blocked === undefined
        ? says.stopString === undefined && cut
          ? "length"
          : "stop"
        : "content_filter",
    filtered: says.blocked,
    stopString: says.stopString,
    completionTokens,
    thoughtTokens,
    cachedTokens,
    promptSeconds: (firstAt - startedAt) / 1000,
    generationSeconds: (lastAt - firstAt) / 1000,
  };
}

function channelAfter(served: ServedModel, channel: Channel, id: number): Channel {
  const { callMarks, thoughtMarks } = served.chat;
  if (id === callMarks?.open) return "calls";
  if (id === thoughtMarks?.open) return "thoughts";
  return id === thoughtMarks?.close ? "text" : channel;
}

function generateOptions(served: ServedModel, maxTokens: number, options: AnswerOptions) {
  return {
    ...options.sampling,
    maxTokens,
    stopIds: served.chat.stopIds,
    topLogprobs: options.topLogprobs,
    signal: options.signal,
    ...(options.constraint === undefined ? {} : { constraint: options.constraint }),
  };
}

/**
 * What of the decoded text may leave: stop strings end it, the output filter ends it, and what may still become either is
 * held back. The text before a stop string passes the filter, too.
 */
class Speech {
  readonly #stops: StopMatcher;
  readonly #guard: OutputGuard | undefined;
  stopString: string | undefined;
  /** The request for removal whose passage came up. */
  blocked: string | undefined;

  constructor(stops: readonly string[], filter: OutputIndex | undefined) {
    this.#stops = new StopMatcher(stops);
    this.#guard = filter === undefined ? undefined : new OutputGuard(filter);
  }

  get over(): boolean {
    return this.stopString !== undefined || this.blocked !== undefined;
  }

  push(text: string): string {
    const step = this.#stops.push(text);
    const said = this.#pass(step.text, step.stopString !== undefined);
    if (this.blocked === undefined) this.stopString = step.stopString;
    return said;
  }

  /** What was held back, when nothing follows. */
  end(): string {
    return this.#pass(this.#stops.end(), true);
  }

  #pass(text: string, last: boolean): string {
    if (this.#guard === undefined) return text;
    const step = this.#guard.push(text);
    this.blocked = step.blocked;
    if (!last || this.blocked !== undefined) return step.text;
    const rest = this.#guard.end();
    this.blocked = rest.blocked;
    return step.text + rest.text;
  }
}

/** Joins token bytes to text and keeps the tokens whose text has not been released yet. */
class TextAssembler {
  readonly #served: ServedModel;
  // A broken sequence becomes U+FFFD as soon as it is known to be broken; an unfinished one is never flushed.
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #pending: AnswerToken[] = [];
  #decoded = 0;
  #released = 0;

  constructor(served: ServedModel) {
    this.#served = served;
  }

  decode(token: GeneratedToken): string {
    const bytes = this.#served.chat.tokenBytes(token.id);
    this.#pending.push({ ...token, offset: this.#decoded });
    if (bytes === undefined) return "";
    const text = this.#decoder.decode(bytes, { stream: true });
    this.#decoded += text.length;
    return text;
  }

  /** What comes next is another kind of text: half a character of the one before is not continued by it. */
  restart(): void {
    this.#decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    this.#released = this.#decoded;
  }

  /**
   * Lets `text` go, with the tokens that begin in it. `all` adds the tokens after the last character, which made no
   * text of their own; when a stop string cut the answer they belong to it and stay away.
   */
  release(text: string, which: "more" | "all"): Omit<AnswerPiece, "channel"> | undefined {
    this.#released += text.length;
    if (text === "" && which === "more") return undefined;
    const cut = this.#pending.findIndex((token) => token.offset >= this.#released);
    const count = which === "all" || cut === -1 ? this.#pending.length : cut;
    const tokens = this.#pending.splice(0, count);
    return text === "" && tokens.length === 0 ? undefined : { text, tokens };
  }
}

/** The alternatives of a position, best first, with the chosen token among them. */
export function withChosen(token: GeneratedToken): TokenChoice[] {
  return token.top.some(({ id }) => id === token.id) ? [...token.top] : [...token.top, token];
}
