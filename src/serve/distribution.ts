/**
 * @file `POST /api/distribution`, the page's "next token" view: a text cut into tokens and, after each of them, what
 * the model thought would come next.
 */
import type { Hono } from "hono";
import { z } from "zod";
import { badValue, contextExceeded } from "./api-error.ts";
import { finite } from "./logprobs.ts";
import { optional, parseRequest, textSchema } from "./request-fields.ts";
import type { ServedModel } from "./served-model.ts";
import { readBody, respondJson, type ServeEnv, type Service } from "./service.ts";

/** A token as the page shows it. */
export interface ShownToken {
  readonly id: number;
  readonly text: string;
  /** `null` for special tokens, which stand for no bytes. */
  readonly bytes: readonly number[] | null;
}

export interface DistributionToken extends ShownToken {
  /** Natural logarithm of its probability given the tokens before it; `null` for the first token of all. */
  readonly logprob: number | null;
}

export interface DistributionAnswer {
  readonly model: string;
  /** The text the tokens spell, U+FFFD where they end inside a character. */
  readonly text: string;
  readonly context_length: number;
  readonly tokens: readonly DistributionToken[];
  /** `next[i]`: the likeliest tokens after `tokens[i]`, best first. */
  readonly next: readonly (readonly (ShownToken & { readonly probability: number })[])[];
}

const distributionRequestSchema = z
  .object({
    model: z.string().min(1),
    text: optional(textSchema),
    /** Instead of `text`: the tokens of an earlier answer, to which the page has appended one. */
    tokens: optional(z.array(z.int().min(0))),
    top: optional(z.int().min(1).max(50)).transform((value) => value ?? 10),
  })
  .refine((request) => (request.text === undefined) !== (request.tokens === undefined), {
    message: "give either 'text' or 'tokens'",
    path: ["text"],
  });

export function addDistribution(app: Hono<ServeEnv>, service: Service): void {
  app.post("/api/distribution", async (c) => {
    const request = parseRequest(distributionRequestSchema, await readBody(service, c));
    const served = service.shelf.get(request.model);
    const ids = request.tokens ?? withStart(served, request.text ?? "");
    const { contextLength, vocabSize } = served.model;
    if (ids.length > contextLength) throw contextExceeded(ids.length, contextLength, "text");
    if (ids.some((id) => id >= vocabSize)) {
      throw badValue("tokens", `Token ids of this model are below ${vocabSize}.`);
    }
    return respondJson(service, c, () => distribution(served, ids, request.top));
  });
}

function withStart(served: ServedModel, text: string): number[] {
  const { startId } = served.chat;
  return [...(startId === undefined ? [] : [startId]), ...served.chat.encode(text)];
}

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
