/** @file Request fields that several endpoints share, and how a body is checked against a schema. */
import { z } from "zod";
import { fromSchemaError, unsupported } from "./api-error.ts";

/** Clients send `null` for "not set"; it means the same as leaving the field out. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** Text that can be written as UTF-8; a lone surrogate would silently become another character. */
export const textSchema = z
  .string()
  .refine((text) => !/\p{Surrogate}/u.test(text), "the text holds half of a surrogate pair (broken Unicode)");

const stopText = textSchema.min(1, "a stop string must not be empty").max(1000);

const tokenBias = z
  .record(z.string().regex(/^\d{1,9}$/, "keys of logit_bias are token ids"), z.number().min(-100).max(100))
  .refine((bias) => Object.keys(bias).length <= 1024, "at most 1024 tokens can be biased");

/** What `/v1/completions` and `/v1/chat/completions` have in common. */
export const samplingFields = {
  model: z.string().min(1),
  temperature: optional(z.number().min(0).max(2)),
  top_p: optional(z.number().min(0).max(1)),
  top_k: optional(z.int().min(-1).max(1_000_000)),
  n: optional(z.int().min(1).max(128)),
  seed: optional(z.int()),
  stop: optional(
    z.union(
      [stopText, z.array(stopText).max(16)],
      "expected a non-empty string or an array of at most 16 of them",
    ),
  ),
  logit_bias: optional(tokenBias),
  stream: optional(z.boolean()),
  stream_options: optional(z.object({ include_usage: optional(z.boolean()) })),
  user: optional(z.string()),
};

/** Fields of OpenAI's API that would change the answer and that no model behind this server understands yet. */
export const refusedFields = {
  presence_penalty: optional(z.number()),
  frequency_penalty: optional(z.number()),
  best_of: optional(z.int()),
  suffix: optional(z.string()),
  tools: optional(z.array(z.unknown())),
  functions: optional(z.array(z.unknown())),
  response_format: optional(z.looseObject({ type: z.string() })),
  modalities: optional(z.array(z.string())),
};

type RefusedFields = { [Name in keyof typeof refusedFields]?: z.output<(typeof refusedFields)[Name]> };

/** Throws for a field whose being ignored would change what the client gets; neutral values are fine. */
export function refuseUnsupported(request: RefusedFields): void {
  if ((request.presence_penalty ?? 0) !== 0) throw unsupported("presence_penalty", "presence penalties");
  if ((request.frequency_penalty ?? 0) !== 0) throw unsupported("frequency_penalty", "frequency penalties");
  if ((request.best_of ?? 1) !== 1) throw unsupported("best_of", "best_of");
  if ((request.suffix ?? "") !== "") throw unsupported("suffix", "filling in the middle");
  if ((request.tools ?? []).length > 0) throw unsupported("tools", "tool calls");
  if ((request.functions ?? []).length > 0) throw unsupported("functions", "function calls");
  if ((request.response_format?.type ?? "text") !== "text") {
    throw unsupported("response_format", "answers bound to a format");
  }
  if ((request.modalities ?? []).some((kind) => kind !== "text")) {
    throw unsupported("modalities", "anything but text");
  }
}

/** `body` as the schema reads it; throws the API's 400 that names the field. */
export function parseRequest<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw fromSchemaError(parsed.error);
  return parsed.data;
}
