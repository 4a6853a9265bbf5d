/** @file The HTTP application: what every request passes before and after its endpoint, and the endpoints. */
import { randomUUID } from "node:crypto";
import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { ApiError } from "./api-error.ts";
import { addChatCompletions } from "./chat-completions.ts";
import { addCompletions } from "./completions.ts";
import type { ConversationStore } from "./conversation-store.ts";
import { addConversations } from "./conversations.ts";
import { addDistribution } from "./distribution.ts";
import { checkSite } from "./guard.ts";
import { addModels } from "./models.ts";
import { addNextToken } from "./next-token.ts";
import { addOrigins } from "./origins.ts";
import { addPortal, type Portal } from "./portal.ts";
import { addRuns, type Runs } from "./runs.ts";
import { serverStopping } from "./request-scope.ts";
import { type ServeContext, type ServeEnv, type Service, toApiError } from "./service.ts";
import { type WebFiles, webResponse } from "./web-files.ts";

export interface AppOptions {
  readonly service: Service;
  readonly allowedHosts: readonly string[];
  /** The page, when it is served. */
  readonly web: WebFiles | undefined;
  /** The papers of the release that is served. */
  readonly portal: Portal | undefined;
  readonly runs: Runs | undefined;
  readonly conversations: ConversationStore | undefined;
  /** True once the server takes no new requests. */
  readonly stopping: () => boolean;
}

/** Whose conversations they are while the server knows no keys. */
const ONLY_USER = "local";

const COMMON_HEADERS = [
  ["X-Content-Type-Options", "nosniff"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Referrer-Policy", "no-referrer"],
] as const;

export function createApp({
  service,
  allowedHosts,
  web,
  portal,
  runs,
  conversations,
  stopping,
}: AppOptions): Hono<ServeEnv> {
  const app = new Hono<ServeEnv>();
  app.use(async (c, next) => {
    c.set("requestId", randomUUID());
    logWhenDone(service, c);
    await next();
    for (const [name, value] of COMMON_HEADERS) c.res.headers.set(name, value);
    c.res.headers.set("X-Request-Id", c.get("requestId"));
  });
  app.use(async (c, next) => {
    if (stopping()) throw serverStopping();
    checkSite(c.req.raw.headers, allowedHosts);
    await next();
  });
  addModels(app, service);
  addCompletions(app, service);
  addChatCompletions(app, service);
  addDistribution(app, service);
  addNextToken(app, service);
  addOrigins(app, service);
  if (portal !== undefined) addPortal(app, service, portal);
  if (runs !== undefined) addRuns(app, runs);
  if (conversations !== undefined) addConversations(app, service, conversations, () => ONLY_USER);
  app.get("*", (c) => {
    const file = web?.get(c.req.path);
    return file === undefined ? notFound(c) : webResponse(file, c.req.raw.headers);
  });
  app.notFound(notFound);
  app.onError((error, c) => sendError(toApiError(service, c, error)));
  return app;
}

function notFound(c: ServeContext): Response {
  return sendError(
    new ApiError(404, {
      message: `There is nothing at ${c.req.method} ${c.req.path.slice(0, 200)}.`,
      code: "unknown_url",
    }),
  );
}

function sendError(error: ApiError): Response {
  return new Response(JSON.stringify(error.body()), {
    status: error.status,
    headers: { "Content-Type": "application/json", ...error.headers },
  });
}

/** Logs a request when its last byte is out or its client is gone, which for a stream is long after its handler. */
function logWhenDone(service: Service, c: ServeContext): void {
  const { outgoing } = c.env as HttpBindings;
  const start = performance.now();
  outgoing.once("close", () => {
    service.log({
      kind: "request",
      requestId: c.get("requestId"),
      method: c.req.method,
      path: c.req.path,
      // 499 is nginx's number for "the client closed the request".
      status: outgoing.writableFinished ? outgoing.statusCode : 499,
      milliseconds: Math.round(performance.now() - start),
    });
  });
}
