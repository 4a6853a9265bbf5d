/**
 * @file The gateway: the same front before engines of others. What a request passes here (keys, limits, output filter,
 * log) is what it passes before a model of ours; the engine does the rest.
 */
import { parseJson } from "../../core/index.ts";
import { z } from "zod";
import { ApiError, fromSchemaError } from "../api-error.ts";
import type { OutputIndex } from "../output-guard.ts";
import { AnswerGuard } from "./guard-answer.ts";
import { readEvents } from "./read-events.ts";
import { readText, UpstreamFailure } from "./upstream.ts";
import { badGateway, type UpstreamAnswer, type UpstreamPool } from "./upstream-pool.ts";

/** Endpoints that are passed on. */
export const GATEWAY_PATHS = [
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/embeddings",
  "/v1/responses",
  "/v1/messages",
  "/v1/rerank",
] as const;
export type GatewayPath = (typeof GATEWAY_PATHS)[number];

/** Whose answers the output filter understands. Embeddings and rankings say nothing. */
const GUARDED: readonly GatewayPath[] = ["/v1/chat/completions", "/v1/completions"];
const SILENT: readonly GatewayPath[] = ["/v1/embeddings", "/v1/rerank"];

const requestSchema = z.looseObject({
  model: z.string().min(1).max(500),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
});
type Request = z.output<typeof requestSchema>;

/** How many choices an engine that takes the request will answer with. */
function choicesOf({ n, prompt }: Request): number {
  const prompts = Array.isArray(prompt) && typeof prompt[0] !== "number" ? prompt.length : 1;
  return prompts * (typeof n === "number" ? n : 1);
}

type Shape = Readonly<Record<string, unknown>>;

/** What came of a request, as far as the log and the allowance of a key need it. */
export interface Outcome {
  readonly model: string;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly filtered: readonly string[];
}

export type GatewayReply =
  | { readonly kind: "whole"; readonly status: number; readonly body: object }
  | { readonly kind: "stream"; readonly events: AsyncGenerator<object, void, void> };

export interface GatewayCall {
  readonly path: GatewayPath;
  /** The request's JSON, not yet looked at. */
  readonly body: unknown;
  readonly signal: AbortSignal;
  /** Told once, when the answer is over. */
  readonly done: (outcome: Outcome) => void;
}

const count = z.int().min(0).optional();
const usageSchema = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  // The names of the Responses and Messages APIs.
  input_tokens: count,
  output_tokens: count,
});

/** Where the APIs put their usage: at the top, in the `response` of an event, in the `message` of another. */
function usageOf(answer: Shape): unknown {
  const inner = ["response", "message"].map((name) => answer[name]).find(isShape);
  return answer["usage"] ?? inner?.["usage"];
}

const isShape = (value: unknown): value is Shape =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export class Gateway {
  readonly pool: UpstreamPool;
  readonly #filter: OutputIndex | undefined;

  constructor(pool: UpstreamPool, filter: OutputIndex | undefined) {
    this.pool = pool;
    this.#filter = filter;
  }

  /**
   * Sends a request to an engine. An engine's own refusal (4xx, 5xx) comes back as it said it, but for refusals of the
   * gateway's own key, which are no fault of the client's.
   */
  async forward({ path, body, signal, done }: GatewayCall): Promise<GatewayReply> {
    const parsed = requestSchema.safeParse(body);
    if (!parsed.success) throw fromSchemaError(parsed.error);
    const request = parsed.data;
    const guard = this.#guardFor(path);
    const streamed = request.stream === true;
    const countsUsage = streamed && GUARDED.includes(path);
    const sent = countsUsage
      ? { ...request, stream_options: { ...request.stream_options, include_usage: true } }
      : request;
    const upstream = await this.pool.post(request.model, path, JSON.stringify(sent), signal);
    const meter = new Meter(request.model, guard, done);
    const status = upstream.answer.statusCode ?? 502;
    if (streamed && status === 200) {
      const showsUsage = request.stream_options?.include_usage === true;
      return {
        kind: "stream",
        events: streamEvents(upstream, {
          guard,
          choices: choicesOf(request),
          meter,
          showsUsage: !countsUsage || showsUsage,
          signal,
        }),
      };
    }
    try {
      const answer = parseObject(await readText(upstream.answer));
      meter.see(answer);
      const passes = status === 200 && guard !== undefined;
      return { kind: "whole", status, body: passes ? guard.whole(answer) : answer };
    } catch (error) {
      throw passedOn(error, signal);
    } finally {
      upstream.release();
      meter.close();
    }
  }

  #guardFor(path: GatewayPath): AnswerGuard | undefined {
    if (this.#filter === undefined || SILENT.includes(path)) return undefined;
    if (GUARDED.includes(path)) return new AnswerGuard(this.#filter);
    throw new ApiError(404, {
      message: `${path} is not offered here: the output filter of this gateway does not read its answers. Use /v1/chat/completions.`,
      code: "unsupported_endpoint",
    });
  }
}

/** Keeps the figures of an answer until it is over. */
class Meter {
  readonly #model: string;
  readonly #guard: AnswerGuard | undefined;
  readonly #done: (outcome: Outcome) => void;
  #promptTokens: number | null = null;
  #completionTokens: number | null = null;
  #pieces = 0;

  constructor(model: string, guard: AnswerGuard | undefined, done: (outcome: Outcome) => void) {
    this.#model = model;
    this.#guard = guard;
    this.#done = done;
  }

  see(answer: Shape): void {
    const usage = usageSchema.safeParse(usageOf(answer)).data;
    this.#promptTokens = usage?.prompt_tokens ?? usage?.input_tokens ?? this.#promptTokens;
    this.#completionTokens = usage?.completion_tokens ?? usage?.output_tokens ?? this.#completionTokens;
  }

  /** A piece of a stream: a token at least, should the stream end before the engine tells its usage. */
  count({ choices }: Shape): void {
    if (Array.isArray(choices)) this.#pieces += choices.length;
  }

  close(): void {
    this.#done({
      model: this.#model,
      promptTokens: this.#promptTokens,
      completionTokens: this.#completionTokens ?? (this.#pieces > 0 ? this.#pieces : null),
      filtered: [...(this.#guard?.filtered ?? [])],
    });
  }
}

interface StreamParts {
  readonly guard: AnswerGuard | undefined;
  /** How many choices the answer has. */
  readonly choices: number;
  readonly meter: Meter;
  readonly showsUsage: boolean;
  readonly signal: AbortSignal;
}

/** Ends the engine's work when the filter has ended every choice, or when the reader stops. */
async function* streamEvents(
  { answer, release }: UpstreamAnswer,
  { guard, choices, meter, showsUsage, signal }: StreamParts,
): AsyncGenerator<object, void, void> {
  try {
    for await (const data of readEvents(answer)) {
      if (data === "[DONE]") return;
      const chunk = parseObject(data);
      meter.see(chunk);
      meter.count(chunk);
      if (!showsUsage && isUsageOnly(chunk)) continue;
      const said = guard === undefined ? chunk : guard.chunk(chunk);
      if (said !== undefined) yield said;
      if (guard?.isOver(choices) === true) return;
    }
  } catch (error) {
    throw passedOn(error, signal);
  } finally {
    answer.destroy();
    release();
    meter.close();
  }
}

/** The chunk that a client who did not ask for usage does not expect. */
function isUsageOnly(chunk: Shape): boolean {
  const choices = chunk["choices"];
  return Array.isArray(choices) && choices.length === 0 && chunk["usage"] !== undefined;
}

function parseObject(text: string): Shape {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw new UpstreamFailure("its answer is not JSON", error);
  }
  if (!isShape(value)) throw new UpstreamFailure("its answer is not a JSON object");
  return value;
}

function passedOn(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof ApiError) return error;
  if (signal.aborted) return signal.reason;
  return badGateway();
}
