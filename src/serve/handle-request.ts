/**
 * @file The way of every API request, in one place: who asks, may they, what do they ask, whose turn is it, the model, the
 * answer. Whatever concerns all requests (keys, quotas, an audit) belongs here.
 */
import type { HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import type { Access, Identity } from "./access/access.ts";
import { checkSite } from "./guard.ts";
import { parseRequest } from "./request-fields.ts";
import type { Route } from "./route.ts";
import {
  readBody,
  respondForwarded,
  respondJson,
  respondStream,
  type ServeContext,
  type ServeEnv,
  type Service,
} from "./service.ts";

/** Adds a route to the application. Ids in paths may hold slashes, which clients send escaped or not. */
export function addRoute(app: Hono<ServeEnv>, service: Service, route: Route): void {
  app.on(route.method.toUpperCase(), route.path.replace(/\{(\w+)\}/g, ":$1{.+}"), async (c) => {
    c.set("route", route.path);
    return handleRequest(service, c, route);
  });
}

async function handleRequest(service: Service, c: ServeContext, route: Route): Promise<Response> {
  const body =
    route.request === undefined ? undefined : parseRequest(route.request, await readBody(service, c));
  c.get("use").model = modelOf(body);
  const reply = await route.reply(service, c, body);
  switch (reply.kind) {
    case "now":
      return c.json(reply.body);
    case "text":
      return c.body(reply.text, 200, { "Content-Type": reply.mediaType });
    case "work":
      return respondJson(service, c, reply.work);
    case "forward":
      return respondForwarded(service, c, reply.forward, route.shape);
    case "events":
      return respondStream(service, c, reply.events, route.shape);
  }
}

function modelOf(body: unknown): string | null {
  const model = (body as { readonly model?: unknown } | null | undefined)?.model;
  return typeof model === "string" ? model : null;
}

/** What every request must pass first, pages and papers included: it comes from this server's own site, with a key. */
export async function admitRequest(
  c: ServeContext,
  access: Access,
  allowedHosts: readonly string[],
): Promise<void> {
  const { headers } = c.req.raw;
  checkSite(headers, allowedHosts);
  const entry = await access.enter(c.req.method, c.req.path, headers);
  c.set("identity", entry.identity);
  c.set("headers", entry.headers);
  c.set("caller", callerOf(c, entry.identity));
}

/**
 * Whom a request is for, as far as turns go: the holder of a key, else whoever a client says it is (on a server without keys
 * nobody gains by lying), else the machine it comes from.
 */
function callerOf(c: ServeContext, { key }: Identity): string {
  const said = key ?? c.req.header("authorization") ?? c.req.header("x-api-key");
  if (said !== undefined) return `key ${said}`;
  const { incoming } = c.env as HttpBindings;
  return `address ${incoming.socket.remoteAddress ?? ""}`;
}
