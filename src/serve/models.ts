/** @file `GET /v1/models`, `GET /v1/models/{id}`. Shapes: OpenAI API reference, "Models". */
import { z } from "zod";
import { OPENAI } from "./api-shape.ts";
import { getRoute } from "./route.ts";
import type { ServedModel } from "./served-model.ts";

const modelSchema = z.strictObject({
  id: z.string(),
  object: z.literal("model"),
  created: z.int(),
  owned_by: z.string(),
  // Beyond OpenAI's fields: what a client needs to know before it sends a long prompt.
  context_length: z.int(),
  vocab_size: z.int(),
  /** Whether `/api/origins` answers for it. */
  training_documents: z.boolean(),
});

export const modelsRoute = getRoute({
  path: "/v1/models",
  summary: "The models that are served.",
  shape: OPENAI,
  response: z.strictObject({ object: z.literal("list"), data: z.array(modelSchema) }),
  reply: (service) => ({
    kind: "now",
    body: { object: "list", data: service.shelf.list().map(describeModel) },
  }),
});

export const modelRoute = getRoute({
  path: "/v1/models/{id}",
  summary: "One model.",
  shape: OPENAI,
  response: modelSchema,
  reply: (service, c) => ({
    kind: "now",
    body: describeModel(service.shelf.get(c.req.param("id") ?? "")),
  }),
});

function describeModel({ id, created, model, origins }: ServedModel): z.infer<typeof modelSchema> {
  return {
    id,
    object: "model",
    created,
    owned_by: "firn",
    context_length: model.contextLength,
    vocab_size: model.vocabSize,
    // Whether `/api/origins` answers for it.
    training_documents: origins !== undefined,
  };
}
