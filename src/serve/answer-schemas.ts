/** @file What OpenAI's two older routes answer, as schemas: the types of our code and the pages of the OpenAPI document. */
import { z } from "zod";

const count = z.int().min(0);

export const usageSchema = z.strictObject({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_tokens_details: z.strictObject({ cached_tokens: count, audio_tokens: count }),
  completion_tokens_details: z.strictObject({
    reasoning_tokens: count,
    audio_tokens: count,
    accepted_prediction_tokens: count,
    rejected_prediction_tokens: count,
  }),
});

/** Beside `usage`, under the names of llama.cpp's server. */
export const timingsSchema = z.strictObject({
  prompt_ms: z.number(),
  predicted_ms: z.number(),
  predicted_per_second: z.number().nullable(),
});

const tokenLogprob = z.strictObject({
  token: z.string(),
  logprob: z.number(),
  bytes: z.array(z.int().min(0).max(255)).nullable(),
});
export const chatLogprobsSchema = z.strictObject({
  content: z.array(z.strictObject({ ...tokenLogprob.shape, top_logprobs: z.array(tokenLogprob) })),
  refusal: z.null(),
});

const finishReason = z.enum(["stop", "length", "tool_calls", "content_filter"]);
const head = { id: z.string(), created: z.int(), model: z.string() };

export const chatCompletionSchema = z.strictObject({
  ...head,
  object: z.literal("chat.completion"),
  choices: z.array(
    z.strictObject({
      index: count,
      message: z.strictObject({
        role: z.literal("assistant"),
        content: z.string().nullable(),
        refusal: z.null(),
        reasoning_content: z.string().optional(),
        tool_calls: z
          .array(
            z.strictObject({
              id: z.string(),
              type: z.literal("function"),
              function: z.strictObject({ name: z.string(), arguments: z.string() }),
            }),
          )
          .optional(),
      }),
      logprobs: chatLogprobsSchema.nullable(),
      finish_reason: finishReason,
    }),
  ),
  usage: usageSchema,
  timings: timingsSchema,
});
export type ChatCompletion = z.infer<typeof chatCompletionSchema>;

export const chatChunkSchema = z.strictObject({
  ...head,
  object: z.literal("chat.completion.chunk"),
  choices: z.array(
    z.strictObject({
      index: count,
      delta: z.strictObject({
        role: z.literal("assistant").optional(),
        content: z.string().nullable().optional(),
        refusal: z.null().optional(),
        reasoning_content: z.string().optional(),
        tool_calls: z
          .array(
            z.strictObject({
              index: count,
              id: z.string().optional(),
              type: z.literal("function").optional(),
              function: z.strictObject({ name: z.string().optional(), arguments: z.string() }),
            }),
          )
          .optional(),
      }),
      logprobs: chatLogprobsSchema.nullable(),
      finish_reason: finishReason.nullable(),
    }),
  ),
  usage: usageSchema.nullable().optional(),
  timings: timingsSchema.optional(),
});
export type ChatChunk = z.infer<typeof chatChunkSchema>;

const completionChoice = {
  index: count,
  text: z.string(),
  logprobs: z
    .strictObject({
      tokens: z.array(z.string()),
      token_logprobs: z.array(z.number().nullable()),
      top_logprobs: z.array(z.record(z.string(), z.number()).nullable()),
      text_offset: z.array(count),
    })
    .nullable(),
};
const completionHead = { ...head, object: z.literal("text_completion") };

export const completionSchema = z.strictObject({
  ...completionHead,
  choices: z.array(
    z.strictObject({ ...completionChoice, finish_reason: z.enum(["stop", "length", "content_filter"]) }),
  ),
  usage: usageSchema,
  timings: timingsSchema,
});
export type Completion = z.infer<typeof completionSchema>;

export const completionChunkSchema = z.strictObject({
  ...completionHead,
  choices: z.array(
    z.strictObject({
      ...completionChoice,
      finish_reason: z.enum(["stop", "length", "content_filter"]).nullable(),
    }),
  ),
  usage: usageSchema.nullable().optional(),
  timings: timingsSchema.optional(),
});
export type CompletionChunk = z.infer<typeof completionChunkSchema>;
