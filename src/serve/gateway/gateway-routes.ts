/** @file The routes of a gateway: the models of its engines, and what is passed on to them. */
import { z } from "zod";
import { modelNotFound } from "../api-error.ts";
import { OPENAI, shapeOf } from "../api-shape.ts";
import { getRoute, postRoute, type Route } from "../route.ts";
import { type Gateway, GATEWAY_PATHS } from "./gateway.ts";
import type { UpstreamModel } from "./upstream.ts";

const modelSchema = z.strictObject({
  id: z.string(),
  object: z.literal("model"),
  created: z.int(),
  owned_by: z.string(),
  context_length: z.int().nullable(),
});

function describe({ id, created, contextLength }: UpstreamModel): z.infer<typeof modelSchema> {
  return { id, object: "model", created, owned_by: "upstream", context_length: contextLength };
}

/** What is passed on unread; the engine judges it. */
const passed = z.looseObject({});

export function gatewayRoutes(gateway: Gateway): Route[] {
  const forwarded = GATEWAY_PATHS.map((path) =>
    postRoute({
      path,
      summary: "Passed on to an engine that has the model.",
      shape: shapeOf(path),
      request: passed,
      response: passed,
      event: passed,
      reply: (_service, body) => ({
        kind: "forward",
        forward: ({ signal, forwarded: done }) => gateway.forward({ path, body, signal, done }),
      }),
    }),
  );
  return [
    getRoute({
      path: "/v1/models",
      summary: "The models of the engines that answer.",
      shape: OPENAI,
      response: z.strictObject({ object: z.literal("list"), data: z.array(modelSchema) }),
      reply: () => ({ kind: "now", body: { object: "list", data: gateway.pool.models().map(describe) } }),
    }),
    getRoute({
      path: "/v1/models/{id}",
      summary: "One model.",
      shape: OPENAI,
      response: modelSchema,
      reply: (_service, c) => {
        const id = c.req.param("id") ?? "";
        const models = gateway.pool.models();
        const found = models.find((model) => model.id === id);
        if (found === undefined)
          throw modelNotFound(
            id,
            models.map((model) => model.id),
          );
        return { kind: "now", body: describe(found) };
      },
    }),
    getRoute({
      path: "/health",
      summary: "How many engines answer, and how busy the gateway is.",
      shape: OPENAI,
      response: z.strictObject({
        status: z.enum(["ok", "no upstream"]),
        running: z.int(),
        waiting: z.int(),
        upstreams: z.strictObject({ healthy: z.int(), all: z.int() }),
      }),
      reply: ({ slots }) => ({
        kind: "now",
        body: {
          status: gateway.pool.health.healthy > 0 ? "ok" : "no upstream",
          running: slots.running,
          waiting: slots.waiting,
          upstreams: gateway.pool.health,
        },
      }),
    }),
    ...forwarded,
  ];
}
