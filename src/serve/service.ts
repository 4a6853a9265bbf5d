/** @file What every endpoint works with: the models, the queue, the limits and the log of one server. */
import type { Context } from "hono";
import { describeError } from "../core/index.ts";
import type { AnswerEnd } from "./answer.ts";
import { ApiError } from "./api-error.ts";
import type { ApiShape } from "./api-shape.ts";
import type { Metrics } from "./metrics.ts";
import { readJson } from "./read-json.ts";
import { ClientGone, openScope, type RequestScope } from "./request-scope.ts";
import type { ServeLimits } from "./limits.ts";
import type { ModelShelf } from "./served-model.ts";
import type { ReleaseSlot, Slots } from "./slots.ts";

/** What a server says about itself while it runs. Never holds the words of a request or an answer. */
export type ServeEvent =
  | {
      readonly kind: "request";
      readonly requestId: string;
      readonly method: string;
      readonly path: string;
      readonly status: number;
      readonly milliseconds: number;
    }
  | { readonly kind: "fault"; readonly requestId: string; readonly error: unknown };

export type ServeLog = (event: ServeEvent) => void;

export interface Service {
  readonly shelf: ModelShelf;
  readonly slots: Slots;
  readonly limits: ServeLimits;
  readonly log: ServeLog;
  readonly metrics: Metrics;
  /** Aborted when running answers get no more time. */
  readonly shutdown: AbortSignal;
}

export interface ServeEnv {
  Variables: {
    requestId: string;
    /** Whom the request is for: callers take turns. */
    caller: string;
    /** The path of the route that answers, for the metrics. */
    route: string;
  };
}

/** What work for a request is given. */
export interface WorkScope {
  /** Aborted when nobody waits any longer. */
  readonly signal: AbortSignal;
  /** To be told of every answer that has ended, with the tokens of its prompt. */
  readonly answered: (promptTokens: number, end: AnswerEnd) => void;
}

export type ServeContext = Context<ServeEnv>;

export function readBody(service: Service, c: ServeContext): Promise<unknown> {
  return readJson(c.req.raw, service.limits.bodyBytes);
}

/** Waits for a slot, does `work`, answers with its result as JSON. */
export async function respondJson(
  service: Service,
  c: ServeContext,
  work: (scope: WorkScope) => Promise<object>,
): Promise<Response> {
  const { scope, release } = await enter(service, c);
  try {
    return c.json(await work(workScope(service, scope)));
  } finally {
    release();
    scope.close();
  }
}

/**
 * Waits for a slot, then sends what `events` yields as server-sent events in the way of `shape`. The stream is pulled by the client's reading, so a slow reader slows the model instead of filling memory.
 */
export async function respondStream(
  service: Service,
  c: ServeContext,
  events: (scope: WorkScope) => AsyncGenerator<object, void, void>,
  shape: ApiShape,
): Promise<Response> {
  const { scope, release } = await enter(service, c);
  const iterator = events(workScope(service, scope));
  const encoder = new TextEncoder();
  const frame = (value: object): Uint8Array => {
    const name = shape.named ? `event: ${String((value as { type?: unknown }).type)}\n` : "";
    return encoder.encode(`${name}data: ${JSON.stringify(value)}\n\n`);
  };
  const end = encoder.encode(shape.named ? "" : "data: [DONE]\n\n");
  const over = (): void => {
    release();
    scope.close();
  };
  const next = async (): Promise<{ readonly bytes: Uint8Array; readonly last: boolean }> => {
    try {
      const { done, value } = await iterator.next();
      return done === true ? { bytes: end, last: true } : { bytes: frame(value), last: false };
    } catch (error) {
      const failure = shape.streamError(toApiError(service, c, error), c.get("requestId"));
      return { bytes: frame(failure), last: true };
    }
  };
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { bytes, last } = await next();
      if (last) over();
      if (cancelled) return;
      if (bytes.length > 0) controller.enqueue(bytes);
      if (last) controller.close();
    },
    cancel: async () => {
      cancelled = true;
      scope.clientGone();
      // The generator may be inside the model; it ends at its next look at the signal, and only then the slot is free.
      await iterator.return(undefined).catch(() => undefined);
      over();
    },
  });
  return c.body(body, 200, {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
  });
}

function workScope(service: Service, { signal }: RequestScope): WorkScope {
  return { signal, answered: (promptTokens, end) => service.metrics.answered(promptTokens, end) };
}

async function enter(
  service: Service,
  c: ServeContext,
): Promise<{ scope: RequestScope; release: ReleaseSlot }> {
  const scope = openScope(c.req.raw, service.shutdown, service.limits.requestSeconds);
  try {
    return { scope, release: await service.slots.acquire(scope.signal, c.get("caller")) };
  } catch (error) {
    scope.close();
    throw error;
  }
}

/** What the client is told about `error`. Faults of ours are logged in full and told without detail. */
export function toApiError(service: Service, c: ServeContext, error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const requestId = c.get("requestId");
  if (error instanceof ClientGone) return new ApiError(499, { message: describeError(error) });
  service.log({ kind: "fault", requestId, error });
  return new ApiError(500, {
    message: `The server failed on this request (${requestId}); its log says why.`,
    code: "internal_error",
  });
}
