/** @file Request fields that several endpoints share, and how a body is checked against a schema. */
import { z } from "zod";
import { fromSchemaError } from "./api-error.ts";

/** Clients send `null` for "not set"; it means the same as leaving the field out. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** Text that can be written as UTF-8; a lone surrogate would silently become another character. */
export const textSchema = z
  .string()
  .refine((text) => !/\p{Surrogate}/u.test(text), "the text holds half of a surrogate pair (broken Unicode)");

/** A text, or its parts one after the other. `kinds` are the names that APIs give to parts of text. */
export function contentSchema(...kinds: readonly [string, ...string[]]) {
  const names = kinds.map((kind) => `'${kind}'`).join(" or ");
  const part = z.object({
    type: z.enum(kinds, `this server understands parts of type ${names} only`),
    text: textSchema,
  });
  return z.union([textSchema, z.array(part).max(10_000)], {
    error: (issue) =>
      issue.input === undefined ? undefined : `expected a string or an array of parts of type ${names}`,
  });
}

/** The text of a content that `contentSchema` has read. */
export function contentText(content: string | readonly { readonly text: string }[] | undefined): string {
  if (content === undefined || typeof content === "string") return content ?? "";
  return content.map(({ text }) => text).join("");
}

const stopText = textSchema.min(1, "a stop string must not be empty").max(1000);
export const stopTexts = z.array(stopText).max(16);

const tokenBias = z
  .record(z.string().regex(/^\d{1,9}$/, "keys of logit_bias are token ids"), z.number().min(-100).max(100))
  .refine((bias) => Object.keys(bias).length <= 1024, "at most 1024 tokens can be biased");

export const modelId = z.string().min(1).max(500);
export const temperature = optional(z.number().min(0).max(2));
export const topP = optional(z.number().min(0).max(1));
export const topK = optional(z.int().min(-1).max(1_000_000));
/** A tool's parameters: a JSON schema, read when the answer's grammar is made. */
export const parametersSchema = z.record(z.string(), z.unknown());
export const streamField = optional(z.boolean());

/** OpenAI's bounds. */
const penalty = optional(z.number().min(-2).max(2));

/** How a token is chosen, in OpenAI's APIs and, from `top_k` on, in the words of other servers. */
export const choiceFields = {
  temperature,
  top_p: topP,
  frequency_penalty: penalty,
  presence_penalty: penalty,
  top_k: topK,
  // As vLLM's server calls them.
  min_p: optional(z.number().min(0).max(1)),
  repetition_penalty: optional(z.number().min(0.01).max(100)),
  // What llama.cpp's server calls so looks at the last tokens only.
  repeat_penalty: optional(z.number()),
};

/** What `/v1/completions` and `/v1/chat/completions` have in common. */
export const samplingFields = {
  model: modelId,
  ...choiceFields,
  n: optional(z.int().min(1).max(128)),
  seed: optional(z.int()),
  stop: optional(
    z.union([stopText, stopTexts], "expected a non-empty string or an array of at most 16 of them"),
  ),
  logit_bias: optional(tokenBias),
  stream: streamField,
  stream_options: optional(z.object({ include_usage: optional(z.boolean()) })),
  user: optional(z.string()),
};

/** `body` as the schema reads it; throws the API's 400 that names the field. */
export function parseRequest<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw fromSchemaError(parsed.error);
  return parsed.data;
}
