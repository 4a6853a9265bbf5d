/** @file `GET /v1/models`, `GET /v1/models/:id` and `GET /health`. */
import type { Hono } from "hono";
import type { ServedModel } from "./served-model.ts";
import type { ServeEnv, Service } from "./service.ts";

export function addModels(app: Hono<ServeEnv>, service: Service): void {
  app.get("/v1/models", (c) => c.json({ object: "list", data: service.shelf.list().map(describeModel) }));
  // Ids may hold a slash (`swiss-ai/Apertus-8B`), which clients send escaped or not.
  app.get("/v1/models/:id{.+}", (c) => c.json(describeModel(service.shelf.get(c.req.param("id")))));
  app.get("/health", (c) =>
    c.json({ status: "ok", running: service.slots.running, waiting: service.slots.waiting }),
  );
}

function describeModel({ id, created, model, origins }: ServedModel) {
  return {
    id,
    object: "model" as const,
    created,
    owned_by: "firn",
    // Beyond OpenAI's fields: what a client needs to know before it sends a long prompt.
    context_length: model.contextLength,
    vocab_size: model.vocabSize,
    // Whether `/api/origins` answers for it.
    training_documents: origins !== undefined,
  };
}
