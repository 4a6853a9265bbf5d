/**
 * @file The page's way to tools: what there is, and one call at a time. The server never calls a tool on a model's word
 * alone: whoever holds the conversation sends each call that its user has allowed.
 */
import { z } from "zod";
import { OPENAI } from "../api-shape.ts";
import { getRoute, postRoute } from "../route.ts";

const definitionSchema = z.strictObject({
  type: z.literal("function"),
  function: z.strictObject({
    name: z.string(),
    description: z.string(),
    parameters: z.record(z.string(), z.unknown()),
  }),
  origin: z.string(),
});

export const toolsRoute = getRoute({
  path: "/api/tools",
  summary: "The tools that may be called here, as requests for chat completions take them.",
  shape: OPENAI,
  response: z.strictObject({ tools: z.array(definitionSchema) }),
  reply: ({ toolbox }) => ({ kind: "now", body: { tools: toolbox.definitions() } }),
});

export const toolCallRoute = postRoute({
  path: "/api/tools/call",
  summary: "Calls one tool. What goes wrong inside it is a result with is_error, for the model to read.",
  shape: OPENAI,
  request: z.strictObject({
    name: z.string().min(1).max(64),
    /** JSON text, as the model wrote it. */
    arguments: z.string().max(262_144),
  }),
  response: z.strictObject({
    text: z.string(),
    is_error: z.boolean(),
    citations: z.array(z.strictObject({ title: z.string(), place: z.string(), quote: z.string() })),
  }),
  reply: ({ toolbox }, { name, arguments: text }) => ({
    kind: "work",
    work: async ({ signal }) => {
      const result = await toolbox.call(name, text, signal);
      return { text: result.text, is_error: result.isError, citations: result.citations };
    },
  }),
});
