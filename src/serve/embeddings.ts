/** @file `POST /v1/embeddings`. Shapes: OpenAI API reference, "Embeddings". */
import { z } from "zod";
import { badValue, contextExceeded, unsupported } from "./api-error.ts";
import { OPENAI } from "./api-shape.ts";
import { modelId, optional, textSchema } from "./request-fields.ts";
import { postRoute } from "./route.ts";
import { type ServedModel, startedIds } from "./served-model.ts";

const tokenIds = z.array(z.int().min(0)).min(1);
const MAX_INPUTS = 2048;

const inputSchema = z.union(
  [
    textSchema,
    tokenIds,
    z.array(textSchema).min(1).max(MAX_INPUTS),
    z.array(tokenIds).min(1).max(MAX_INPUTS),
  ],
  {
    error: (issue) =>
      issue.input === undefined
        ? undefined
        : "expected a string, an array of token ids, or an array of either",
  },
);

export const embeddingsRoute = postRoute({
  path: "/v1/embeddings",
  summary: "Texts as vectors of length 1: the model's hidden state at each text's last token.",
  shape: OPENAI,
  request: z.object({
    model: modelId,
    input: inputSchema,
    encoding_format: optional(z.enum(["float", "base64"])),
    dimensions: optional(z.int().min(1)),
    user: optional(z.string()),
  }),
  response: z.strictObject({
    object: z.literal("list"),
    data: z.array(
      z.strictObject({
        object: z.literal("embedding"),
        index: z.int(),
        /** Base64 holds 32-bit floats, little-endian. */
        embedding: z.union([z.array(z.number()), z.string()]),
      }),
    ),
    model: z.string(),
    usage: z.strictObject({ prompt_tokens: z.int(), total_tokens: z.int() }),
  }),
  reply: (service, request) => {
    const served = service.shelf.get(request.model);
    const { model } = served;
    if (model.embed === undefined) throw unsupported("model", `embeddings of '${served.id}'`);
    const texts = readInput(served, request.input);
    const promptTokens = texts.reduce((sum, ids) => sum + ids.length, 0);
    const work = async () => {
      const vectors = await model.embed!(texts);
      const size = vectors[0]!.length;
      // The first numbers of a vector mean something alone only in models that were trained for it.
      if ((request.dimensions ?? size) !== size) {
        throw unsupported("dimensions", `vectors of another length than this model's ${size}`);
      }
      const data = vectors.map((vector, index) => ({
        object: "embedding" as const,
        index,
        embedding: request.encoding_format === "base64" ? base64(vector) : Array.from(vector),
      }));
      const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens };
      return { object: "list" as const, data, model: served.id, usage };
    };
    return { kind: "work", work };
  },
});

function readInput(served: ServedModel, input: z.output<typeof inputSchema>): number[][] {
  const list = typeof input === "string" ? [input] : input;
  const texts = list.every((item) => typeof item === "number")
    ? [list]
    : list.map((item) => (typeof item === "string" ? startedIds(served, item) : item));
  const { contextLength, vocabSize } = served.model;
  for (const ids of texts) {
    if (ids.length === 0) throw badValue("input", "There is an empty text in the input.");
    if (ids.length > contextLength) throw contextExceeded(ids.length, contextLength, "input");
    if (ids.some((id) => id >= vocabSize)) throw badValue("input", `Token ids are below ${vocabSize}.`);
  }
  return texts;
}

function base64(vector: Float32Array): string {
  const bytes = Buffer.alloc(4 * vector.length);
  vector.forEach((value, i) => bytes.writeFloatLE(value, 4 * i));
  return bytes.toString("base64");
}
