/**
 * @file `POST /api/next`: the whole distribution of the next token, for the page's sampling knobs. Temperature, top-k,
 * top-p and min-p never change the order of tokens, so their probabilities in falling order are all that is needed.
 */
import type { Hono } from "hono";
import { z } from "zod";
import { badValue, contextExceeded } from "./api-error.ts";
import { parseRequest } from "./request-fields.ts";
import { readBody, respondJson, type ServeEnv, type Service } from "./service.ts";

const nextRequestSchema = z.object({
  model: z.string().min(1),
  tokens: z.array(z.int().min(0)).min(1),
});

export interface NextAnswer {
  readonly model: string;
  /** Natural-log probabilities of all tokens, largest first: little-endian float32 in base64. */
  readonly logprobs: string;
}

export function addNextToken(app: Hono<ServeEnv>, service: Service): void {
  app.post("/api/next", async (c) => {
    const { model: id, tokens } = parseRequest(nextRequestSchema, await readBody(service, c));
    const { model } = service.shelf.get(id);
    const { contextLength, vocabSize } = model;
    if (tokens.length >= contextLength) throw contextExceeded(tokens.length, contextLength, "tokens");
    if (tokens.some((token) => token >= vocabSize)) {
      throw badValue("tokens", `Token ids of this model are below ${vocabSize}.`);
    }
    return respondJson(service, c, async ({ signal }): Promise<NextAnswer> => {
      const options = { maxTokens: 1, temperature: 0, topLogprobs: vocabSize, signal };
      const bytes = Buffer.alloc(vocabSize * 4);
      for await (const { top } of model.generate(tokens, options)) {
        top.forEach(({ logprob }, rank) => bytes.writeFloatLE(logprob, rank * 4));
      }
      return { model: id, logprobs: bytes.toString("base64") };
    });
  });
}
