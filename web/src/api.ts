/** @file The page's side of the server's API: models, streamed answers, next-token distributions. */
import type { DistributionAnswer, NextAnswer, OriginsAnswer } from "../../src/serve/index.ts";
import { readEvents } from "./event-stream.ts";
import { ApiFailure, type ErrorBody, failureOf, fetchHere, fetchJson, jsonRequest } from "./fetch-here.ts";
import { words } from "./words.ts";

export interface ModelInfo {
  readonly id: string;
  readonly context_length: number;
  readonly vocab_size: number;
  /** Whether the documents it was trained on can be searched. */
  readonly training_documents: boolean;
}

export interface ToolCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A message as `/v1/chat/completions` takes it. */
export type ChatTurn =
  | { readonly role: "system" | "user"; readonly content: string }
  | { readonly role: "assistant"; readonly content: string; readonly tool_calls?: readonly ToolCall[] }
  | { readonly role: "tool"; readonly content: string; readonly tool_call_id: string };

export interface Sampling {
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly maxTokens: number;
}

export interface ChatEnd {
  readonly finishReason: string;
  readonly promptTokens: number | undefined;
  readonly completionTokens: number | undefined;
  readonly tokensPerSecond: number | undefined;
}

/** A part of an answer: words, or a piece of a tool call. */
export interface ChatPiece {
  readonly text: string;
  readonly toolCalls: readonly ToolCallPiece[];
}

interface ToolCallPiece {
  readonly index: number;
  readonly id?: string;
  readonly function?: { readonly name?: string; readonly arguments?: string };
}

interface ChatChunk extends ErrorBody {
  readonly choices: readonly {
    readonly delta: { readonly content?: string | null; readonly tool_calls?: readonly ToolCallPiece[] };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
  readonly timings?: { readonly predicted_per_second: number | null };
}

function post(path: string, body: object, signal: AbortSignal): Promise<Response> {
  return fetchHere(path, jsonRequest("POST", body, { signal }));
}

export async function listModels(): Promise<ModelInfo[]> {
  return (await fetchJson<{ readonly data: ModelInfo[] }>("v1/models")).data;
}

/** Streams one answer; `onPiece` gets each piece as it comes. Rejects with `AbortError` when `signal` is aborted. */
export async function streamChat(
  model: string,
  messages: readonly ChatTurn[],
  sampling: Sampling,
  signal: AbortSignal,
  onPiece: (piece: ChatPiece) => void,
): Promise<ChatEnd> {
  const request = {
    model,
    messages,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    max_tokens: sampling.maxTokens,
    stream: true,
    stream_options: { include_usage: true },
  };
  const response = await post("v1/chat/completions", request, signal);
  let finishReason: string | undefined;
  let usage: ChatChunk["usage"];
  let tokensPerSecond: number | undefined;
  for await (const data of readEvents(response.body!)) {
    if (data === "[DONE]") break;
    const chunk = JSON.parse(data) as ChatChunk;
    if (chunk.error !== undefined) throw failureOf(chunk, words.noServer);
    const [choice] = chunk.choices;
    const { content, tool_calls: toolCalls = [] } = choice?.delta ?? {};
    if ((content ?? "") !== "" || toolCalls.length > 0) onPiece({ text: content ?? "", toolCalls });
    finishReason = choice?.finish_reason ?? finishReason;
    usage = chunk.usage ?? usage;
    tokensPerSecond = chunk.timings?.predicted_per_second ?? tokensPerSecond;
  }
  if (finishReason === undefined) throw new ApiFailure(words.noServer, null);
  const [promptTokens, completionTokens] = [usage?.prompt_tokens, usage?.completion_tokens];
  return { finishReason, promptTokens, completionTokens, tokensPerSecond };
}

/** How many tokens `text` is, counted by the server; undefined if more than the model's context holds. */
export async function countTokens(
  model: string,
  text: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const response = await post("v1/completions", { model, prompt: text, max_tokens: 0 }, signal);
    return ((await response.json()) as { readonly usage: { prompt_tokens: number } }).usage.prompt_tokens;
  } catch (error) {
    if (error instanceof ApiFailure && error.code === "context_length_exceeded") return undefined;
    throw error;
  }
}

/** Tokens of a text, or of token ids, with what was likely after each of them. */
export async function fetchDistribution(
  model: string,
  input: { readonly text: string } | { readonly tokens: readonly number[] },
  top: number,
  signal: AbortSignal,
): Promise<DistributionAnswer> {
  const response = await post("api/distribution", { model, ...input, top }, signal);
  return (await response.json()) as DistributionAnswer;
}

/** Natural-log probabilities of every token after `tokens`, largest first. */
export async function fetchNext(
  model: string,
  tokens: readonly number[],
  signal: AbortSignal,
): Promise<Float32Array> {
  const answer = (await (await post("api/next", { model, tokens }, signal)).json()) as NextAnswer;
  const bytes = Uint8Array.from(atob(answer.logprobs), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** How likely a continuation is: natural-log probability of its tokens in all, and its length in UTF-8 bytes. */
export interface ScoredContinuation {
  readonly text: string;
  readonly logprob: number;
  readonly bytes: number;
}

/** Scores continuations of `context`: the tokens that hold a character beyond it count, given all before them. */
export async function scoreContinuations(
  model: string,
  context: string,
  continuations: readonly string[],
  signal: AbortSignal,
): Promise<ScoredContinuation[]> {
  const prompt = continuations.map((text) => context + text);
  const request = { model, prompt, max_tokens: 0, echo: true, logprobs: 0 };
  const { choices } = (await (await post("v1/completions", request, signal)).json()) as {
    readonly choices: readonly {
      readonly logprobs: {
        readonly token_logprobs: readonly (number | null)[];
        readonly text_offset: readonly number[];
      };
    }[];
  };
  // The API counts Unicode code points.
  const boundary = Array.from(context).length;
  return choices.map(({ logprobs: { token_logprobs: logprobs, text_offset: offsets } }, index) => {
    const text = continuations[index]!;
    const counted = logprobs.filter((_, i) => (offsets[i + 1] ?? Number.POSITIVE_INFINITY) > boundary);
    const logprob = counted.reduce<number>((sum, value) => sum + (value ?? 0), 0);
    return { text, logprob, bytes: new TextEncoder().encode(text).length };
  });
}

/** Passages of `text` that stand word for word in documents that `model` was trained on. */
export async function fetchOrigins(model: string, text: string, signal: AbortSignal): Promise<OriginsAnswer> {
  return (await (await post("api/origins", { model, text }, signal)).json()) as OriginsAnswer;
}
