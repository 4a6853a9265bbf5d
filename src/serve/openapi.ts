/** @file `GET /openapi.json`: the table of routes as an OpenAPI 3.1 document, whose schemas are those that requests pass. */
import { z } from "zod";
import { OPENAI } from "./api-shape.ts";
import { getRoute, type Route } from "./route.ts";

/** The document of `routes`. */
export function openApiDocument(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Firn",
      version: "1",
      description:
        "OpenAI's and Anthropic's APIs on a model built by Firn. Fields that no schema names are ignored; `null` means the same as leaving a field out.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths,
  };
}

export function openApiRoute(routes: readonly Route[]): Route {
  let document: object | undefined;
  return getRoute({
    path: "/openapi.json",
    summary: "This document.",
    shape: OPENAI,
    response: z.looseObject({ openapi: z.string() }),
    reply: () => ({ kind: "now", body: (document ??= openApiDocument(routes)) }),
  });
}

function operation(route: Route): object {
  const parameters = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const answer =
    typeof route.response === "string"
      ? { [route.response]: { schema: { type: "string" } } }
      : { "application/json": { schema: jsonSchema(route.response, "output") } };
  const stream =
    route.event === undefined ? {} : { "text/event-stream": { schema: jsonSchema(route.event, "output") } };
  return {
    operationId: `${route.method}${route.path.replace(/[^a-z]+(.)?/g, (_, letter?: string) => letter?.toUpperCase() ?? "")}`,
    summary: route.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.request === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { "application/json": { schema: jsonSchema(route.request, "input") } },
          },
        }),
    responses: {
      "200": { description: "The answer.", content: { ...answer, ...stream } },
      default: {
        description: "An error, in the shape of the API that was asked.",
        content: { "application/json": { schema: { type: "object" } } },
      },
    },
  };
}

function jsonSchema(schema: z.ZodType, io: "input" | "output"): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}
