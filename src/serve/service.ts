/** @file What every endpoint works with: the models, the queue, the limits and the log of one server. */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { describeError } from "../core/index.ts";
import type { Identity } from "./access/access.ts";
import type { AuditLog } from "./access/audit-log.ts";
import type { AnswerEnd } from "./answer.ts";
import { ApiError } from "./api-error.ts";
import type { ApiShape } from "./api-shape.ts";
import type { GatewayReply, Outcome } from "./gateway/gateway.ts";
import type { Metrics } from "./metrics.ts";
import type { OutputIndex } from "./output-guard.ts";
import { readJson } from "./read-json.ts";
import { ClientGone, openScope, type RequestScope } from "./request-scope.ts";
import type { ServeLimits } from "./limits.ts";
import type { ModelShelf } from "./served-model.ts";
import type { ReleaseSlot, Slots } from "./slots.ts";
import type { Toolbox } from "./tools/toolbox.ts";

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
  /** Where every request is written down, if it is. */
  readonly audit: AuditLog | undefined;
  /** What no answer may say. */
  readonly filter: OutputIndex | undefined;
  /** What clients may have called here. */
  readonly toolbox: Toolbox;
  /** Aborted when running answers get no more time. */
  readonly shutdown: AbortSignal;
}

export interface ServeEnv {
  Variables: {
    requestId: string;
    /** Whom the request is for: callers take turns. */
    caller: string;
    /** Who asks. */
    identity: Identity;
    /** What goes with every answer to this request, such as what is left of an allowance. */
    headers: Readonly<Record<string, string>>;
    /** The path of the route that answers, for the metrics. */
    route: string;
    /** What the request has used so far. */
    use: RequestUse;
  };
}

/** What a request is found to have used; counts are null while nobody has counted. */
export interface RequestUse {
  model: string | null;
  promptTokens: number | null;
  completionTokens: number | null;
  /** Requests for removal whose passages were kept back. */
  readonly filtered: string[];
}

/** What work for a request is given. */
export interface WorkScope {
  /** Aborted when nobody waits any longer. */
  readonly signal: AbortSignal;
  /** To be told of every answer that has ended, with the tokens of its prompt. */
  readonly answered: (promptTokens: number, end: AnswerEnd) => void;
  /** The same of an answer that another engine wrote. */
  readonly forwarded: (outcome: Outcome) => void;
  /** What must not be said. */
  readonly filter: OutputIndex | undefined;
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
    return c.json(await work(workScope(service, c, scope)));
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
  const entered = await enter(service, c);
  return sendEvents(service, c, entered, events(workScope(service, c, entered.scope)), shape);
}

/** Waits for a slot, asks another engine, and passes its answer on: whole with its status, or event by event. */
export async function respondForwarded(
  service: Service,
  c: ServeContext,
  forward: (scope: WorkScope) => Promise<GatewayReply>,
  shape: ApiShape,
): Promise<Response> {
  const entered = await enter(service, c);
  let streams = false;
  try {
    const reply = await forward(workScope(service, c, entered.scope));
    streams = reply.kind === "stream";
    if (reply.kind === "stream") return sendEvents(service, c, entered, reply.events, shape);
    return c.json(reply.body, reply.status as ContentfulStatusCode);
  } finally {
    if (!streams) {
      entered.release();
      entered.scope.close();
    }
  }
}

interface Entered {
  readonly scope: RequestScope;
  readonly release: ReleaseSlot;
}

function sendEvents(
  service: Service,
  c: ServeContext,
  { scope, release }: Entered,
  iterator: AsyncGenerator<object, void, void>,
  shape: ApiShape,
): Response {
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

function workScope(service: Service, c: ServeContext, { signal }: RequestScope): WorkScope {
  const { filter } = service;
  return {
    signal,
    filter,
    answered: (promptTokens, end) => {
      service.metrics.answered(promptTokens, end);
      const filtered = end.filtered === undefined ? [] : [end.filtered];
      account(c, { promptTokens, completionTokens: end.completionTokens, filtered });
    },
    forwarded: (outcome) => account(c, outcome),
  };
}

/** Puts what an answer used on the request's bill. */
function account(
  c: ServeContext,
  { promptTokens, completionTokens, filtered }: Omit<Outcome, "model">,
): void {
  const use = c.get("use");
  if (promptTokens !== null) use.promptTokens = (use.promptTokens ?? 0) + promptTokens;
  if (completionTokens !== null) use.completionTokens = (use.completionTokens ?? 0) + completionTokens;
  use.filtered.push(...filtered);
  c.get("identity").spend((promptTokens ?? 0) + (completionTokens ?? 0));
}

async function enter(service: Service, c: ServeContext): Promise<Entered> {
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
