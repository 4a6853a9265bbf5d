/** @file `POST /tokenize` and `POST /detokenize`, in the shapes that vLLM gave them. */
import { z } from "zod";
import { badValue } from "./api-error.ts";
import { OPENAI } from "./api-shape.ts";
import { modelId, optional, textSchema } from "./request-fields.ts";
import { postRoute } from "./route.ts";
import { startedIds } from "./served-model.ts";

const tokenIds = z.array(z.int().min(0)).max(1_000_000);

export const tokenizeRoute = postRoute({
  path: "/tokenize",
  summary: "The tokens of a text. Names of special tokens in it are text.",
  shape: OPENAI,
  request: z.object({
    model: modelId,
    prompt: textSchema,
    add_special_tokens: optional(z.boolean()),
    return_token_strs: optional(z.boolean()),
  }),
  response: z.strictObject({
    count: z.int(),
    max_model_len: z.int(),
    tokens: tokenIds,
    token_strs: z.array(z.string()).nullable(),
  }),
  reply: (service, request) => {
    const served = service.shelf.get(request.model);
    const { chat, model } = served;
    const bare = request.add_special_tokens === false;
    const tokens = bare ? chat.encode(request.prompt) : startedIds(served, request.prompt);
    const names = request.return_token_strs === true ? tokens.map((id) => chat.tokenText(id)) : null;
    const body = { count: tokens.length, max_model_len: model.contextLength, tokens, token_strs: names };
    return { kind: "now", body };
  },
});

export const detokenizeRoute = postRoute({
  path: "/detokenize",
  summary:
    "The text that tokens spell, U+FFFD where they end inside a character; special tokens are left out.",
  shape: OPENAI,
  request: z.object({ model: modelId, tokens: tokenIds }),
  response: z.strictObject({ prompt: z.string() }),
  reply: (service, { model: id, tokens }) => {
    const { chat, model } = service.shelf.get(id);
    if (tokens.some((token) => token >= model.vocabSize)) {
      throw badValue("tokens", `Token ids of this model are below ${model.vocabSize}.`);
    }
    const bytes = Buffer.concat(tokens.map((token) => chat.tokenBytes(token) ?? new Uint8Array()));
    return { kind: "now", body: { prompt: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) } };
  },
});
