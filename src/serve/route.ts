/**
 * @file What a route is: its address, what it takes and gives as schemas, and what it does. The table of routes
 * (`route-table.ts`) makes the application as well as its OpenAPI document, so neither can differ from the other.
 */
import type { z } from "zod";
import type { ApiShape } from "./api-shape.ts";
import type { GatewayReply } from "./gateway/gateway.ts";
import type { ServeContext, Service, WorkScope } from "./service.ts";

/** What a route does once its request has been read; `work` and `events` wait for a slot first. */
export type Reply =
  | { readonly kind: "now"; readonly body: object }
  | { readonly kind: "text"; readonly mediaType: string; readonly text: string }
  | { readonly kind: "work"; readonly work: (scope: WorkScope) => Promise<object> }
  | { readonly kind: "events"; readonly events: (scope: WorkScope) => AsyncGenerator<object, void, void> }
  | { readonly kind: "forward"; readonly forward: (scope: WorkScope) => Promise<GatewayReply> };

export interface Route {
  readonly method: "get" | "post";
  /** `/v1/models/{id}` */
  readonly path: string;
  readonly summary: string;
  readonly shape: ApiShape;
  readonly request: z.ZodType | undefined;
  /** Of the answer's JSON; a media type for what is not JSON. */
  readonly response: z.ZodType | string;
  /** Of each event when the answer is streamed. */
  readonly event: z.ZodType | undefined;
  readonly reply: (service: Service, c: ServeContext, body: unknown) => Reply | Promise<Reply>;
}

type Common = Pick<Route, "path" | "summary" | "shape" | "response">;

export function getRoute(
  route: Common & { readonly reply: (service: Service, c: ServeContext) => Reply | Promise<Reply> },
): Route {
  return { ...route, method: "get", request: undefined, event: undefined };
}

/** A route with a body; `reply` gets it as the schema reads it. */
export function postRoute<Request extends z.ZodType>(
  route: Common & {
    readonly request: Request;
    readonly event?: z.ZodType;
    readonly reply: (service: Service, body: z.output<Request>) => Reply | Promise<Reply>;
  },
): Route {
  const { reply } = route;
  return {
    ...route,
    method: "post",
    event: route.event,
    reply: (service, _c, body) => reply(service, body as z.output<Request>),
  };
}
