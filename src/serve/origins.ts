/** @file `POST /api/origins`: passages of a text that also stand in the documents a model was trained on. */
import type { Hono } from "hono";
import { z } from "zod";
import { FirnError } from "../core/index.ts";
import type { Origins } from "../ledger/index.ts";
import { ApiError } from "./api-error.ts";
import { parseRequest, textSchema } from "./request-fields.ts";
import { readBody, respondJson, type ServeEnv, type Service } from "./service.ts";

/** Longer texts are asked about in parts. */
const LONGEST_TEXT = 20_000;

const originsRequestSchema = z.object({
  model: z.string().min(1),
  text: textSchema.min(1).max(LONGEST_TEXT, `at most ${LONGEST_TEXT} characters`),
});

export interface OriginsAnswer extends Origins {
  readonly milliseconds: number;
}

/** Adds `/api/origins`, for models whose training documents are on this machine. */
export function addOrigins(app: Hono<ServeEnv>, service: Service): void {
  app.post("/api/origins", async (c) => {
    const { model, text } = parseRequest(originsRequestSchema, await readBody(service, c));
    const { origins } = service.shelf.get(model);
    if (origins === undefined) {
      throw new ApiError(404, {
        message: "The documents this model was trained on are not on this machine.",
        code: "no_corpus",
      });
    }
    return respondJson(service, c, async (): Promise<OriginsAnswer> => {
      const start = performance.now();
      try {
        const found = await origins(text);
        return { ...found, milliseconds: Math.round(performance.now() - start) };
      } catch (error) {
        if (!(error instanceof FirnError)) throw error;
        service.log({ kind: "fault", requestId: c.get("requestId"), error });
        const needsIndex = error.code === "LEDGER_NO_INDEX";
        throw new ApiError(needsIndex ? 503 : 500, {
          message: needsIndex
            ? "The training documents have no index yet. Build it with `firn trace index`."
            : "The training documents cannot be read.",
          code: error.code.toLowerCase(),
        });
      }
    });
  });
}
