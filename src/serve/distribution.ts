/**
 * @file `POST /api/distribution`, the page's "next token" view: a text cut into tokens and, after each of them, what
 * the model thought would come next.
 */
import { z } from "zod";
import { badValue, contextExceeded } from "./api-error.ts";
import { OPENAI } from "./api-shape.ts";
import { finite } from "./logprobs.ts";
import { modelId, optional, textSchema } from "./request-fields.ts";
import { postRoute } from "./route.ts";
import { type ServedModel, startedIds } from "./served-model.ts";

const shownToken = z.strictObject({
  id: z.int(),
  text: z.string(),
  /** `null` for special tokens, which stand for no bytes. */
  bytes: z.array(z.int()).readonly().nullable(),
});
/** A token as the page shows it. */
export type ShownToken = Readonly<z.infer<typeof shownToken>>;

/** `logprob`: natural logarithm of its probability given the tokens before it; `null` for the first token of all. */
const distributionToken = shownToken.extend({ logprob: z.number().nullable() });
export type DistributionToken = Readonly<z.infer<typeof distributionToken>>;

/**
 * `text` is what the tokens spell, U+FFFD where they end inside a character; `next[i]` are the likeliest tokens after
 * `tokens[i]`, best first.
 */
const distributionAnswer = z.strictObject({
  model: z.string(),
  text: z.string(),
  context_length: z.int(),
  tokens: z.array(distributionToken).readonly(),
  next: z.array(z.array(shownToken.extend({ probability: z.number() })).readonly()).readonly(),
});
export type DistributionAnswer = Readonly<z.infer<typeof distributionAnswer>>;

const distributionRequestSchema = z
  .object({
    model: modelId,
    text: optional(textSchema),
    /** Instead of `text`: the tokens of an earlier answer, to which the page has appended one. */
    tokens: optional(z.array(z.int().min(0))),
    top: optional(z.int().min(1).max(50)).transform((value) => value ?? 10),
  })
  .refine((request) => (request.text === undefined) !== (request.tokens === undefined), {
    message: "give either 'text' or 'tokens'",
    path: ["text"],
  });

export const distributionRoute = postRoute({
  path: "/api/distribution",
  summary: "A text's tokens and the likeliest tokens after each.",
  shape: OPENAI,
  request: distributionRequestSchema,
  response: distributionAnswer,
  reply: (service, request) => {
    const served = service.shelf.get(request.model);
    const ids = request.tokens ?? startedIds(served, request.text ?? "");
    const { contextLength, vocabSize } = served.model;
    if (ids.length > contextLength) throw contextExceeded(ids.length, contextLength, "text");
    if (ids.some((id) => id >= vocabSize)) {
      throw badValue("tokens", `Token ids of this model are below ${vocabSize}.`);
    }
    return { kind: "work", work: () => distribution(served, ids, request.top) };
  },
});

async function distribution(
  served: ServedModel,
  ids: readonly number[],
  top: number,
): Promise<DistributionAnswer> {
  const { model, chat } = served;
  const show = (id: number): ShownToken => {
    const bytes = chat.tokenBytes(id);
    return { id, text: chat.tokenText(id), bytes: bytes === undefined ? null : [...bytes] };
  };
  // A model without a start token has no opinion about an empty text.
  const [scores] = ids.length === 0 ? [] : await model.score([ids]);
  const next = ids.length === 0 ? [] : await model.distributions(ids, top);
  const bytes = ids.flatMap((id) => [...(chat.tokenBytes(id) ?? [])]);
  return {
    model: served.id,
    text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes)),
    context_length: model.contextLength,
    tokens: ids.map((id, i) => ({ ...show(id), logprob: i === 0 ? null : finite(scores![i]!) })),
    next: next.map((choices) =>
      choices.map(({ id, logprob }) => ({ ...show(id), probability: Math.exp(logprob) })),
    ),
  };
}
