/** @file The HTTP application: what every request passes before and after its endpoint, and the endpoints. */
import { randomUUID } from "node:crypto";
import type { HttpBindings } from "@hono/node-server";
import { createMcpHandler } from "@modelcontextprotocol/server";
import { Hono } from "hono";
import { type Access, ANYBODY } from "./access/access.ts";
import { ApiError } from "./api-error.ts";
import { shapeOf } from "./api-shape.ts";
import { addRoute, admitRequest } from "./handle-request.ts";
import { firnMcpServer, type McpSources } from "./mcp-server.ts";
import { addDocuments } from "./documents.ts";
import type { ConversationStore } from "./conversation-store.ts";
import { addConversations } from "./conversations.ts";
import { addNextToken } from "./next-token.ts";
import { addOrigins } from "./origins.ts";
import { addPortal, type Portal } from "./portal.ts";
import { addRuns, type Runs } from "./runs.ts";
import type { Route } from "./route.ts";
import { serverStopping } from "./request-scope.ts";
import { addTokenizers, type ParallelText } from "./tokenizers.ts";
import { type ServeContext, type ServeEnv, type Service, toApiError } from "./service.ts";
import { type WebFiles, webResponse } from "./web-files.ts";

export interface AppOptions {
  readonly service: Service;
  readonly access: Access;
  readonly routes: readonly Route[];
  /** What `/mcp` answers from. */
  readonly mcp: McpSources | undefined;
  readonly allowedHosts: readonly string[];
  /** The page, when it is served. */
  readonly web: WebFiles | undefined;
  /** The papers of the release that is served. */
  readonly portal: Portal | undefined;
  readonly runs: Runs | undefined;
  readonly documentsStore: string | undefined;
  readonly parallelText: (() => Promise<readonly ParallelText[]>) | undefined;
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
  access,
  routes,
  mcp,
  allowedHosts,
  web,
  portal,
  runs,
  documentsStore,
  parallelText,
  conversations,
  stopping,
}: AppOptions): Hono<ServeEnv> {
  const app = new Hono<ServeEnv>();
  app.use(async (c, next) => {
    c.set("requestId", randomUUID());
    c.set("route", "other");
    c.set("identity", ANYBODY);
    c.set("headers", {});
    c.set("use", { model: null, promptTokens: null, completionTokens: null, filtered: [] });
    logWhenDone(service, c);
    await next();
    for (const [name, value] of [...COMMON_HEADERS, ...Object.entries(c.get("headers"))])
      c.res.headers.set(name, value);
    c.res.headers.set("X-Request-Id", c.get("requestId"));
  });
  app.use(async (c, next) => {
    if (stopping()) throw serverStopping();
    await admitRequest(c, access, allowedHosts);
    await next();
  });
  for (const route of routes) addRoute(app, service, route);
  if (mcp !== undefined) {
    const handler = createMcpHandler(firnMcpServer(mcp));
    app.all("/mcp", (c) => handler.fetch(c.req.raw));
  }
  addTokenizers(app, service, parallelText);
  addOrigins(app, service);
  if (portal !== undefined) addPortal(app, service, portal);
  if (runs !== undefined) addRuns(app, runs);
  if (documentsStore !== undefined) addDocuments(app, documentsStore);
  addNextToken(app, service);
  if (conversations !== undefined)
    addConversations(app, service, conversations, (c) => c.get("identity").key ?? ONLY_USER);
  app.get("*", (c) => {
    const file = web?.get(c.req.path);
    return file === undefined ? notFound(c) : webResponse(file, c.req.raw.headers);
  });
  app.notFound(notFound);
  app.onError((error, c) => sendError(c, toApiError(service, c, error)));
  return app;
}

function notFound(c: ServeContext): Response {
  return sendError(
    c,
    new ApiError(404, {
      message: `There is nothing at ${c.req.method} ${c.req.path.slice(0, 200)}.`,
      code: "unknown_url",
    }),
  );
}

function sendError(c: ServeContext, error: ApiError): Response {
  const body = shapeOf(c.req.path).errorBody(error, c.get("requestId"));
  return new Response(JSON.stringify(body), {
    status: error.status,
    headers: { "Content-Type": "application/json", ...error.headers },
  });
}

/** Logs a request when its last byte is out or its client is gone, which for a stream is long after its handler. */
function logWhenDone(service: Service, c: ServeContext): void {
  const { outgoing } = c.env as HttpBindings;
  const start = performance.now();
  outgoing.once("close", () => {
    const milliseconds = performance.now() - start;
    // 499 is nginx's number for "the client closed the request".
    const status = outgoing.writableFinished ? outgoing.statusCode : 499;
    service.metrics.finished(c.req.method, c.get("route"), status, milliseconds / 1000);
    service.log({
      kind: "request",
      requestId: c.get("requestId"),
      method: c.req.method,
      path: c.req.path,
      status,
      milliseconds: Math.round(milliseconds),
    });
    service.audit?.write({
      time: new Date().toISOString(),
      request: c.get("requestId"),
      key: c.get("identity").key ?? null,
      method: c.req.method,
      path: c.req.path,
      status,
      milliseconds: Math.round(milliseconds),
      ...c.get("use"),
    });
  });
}
