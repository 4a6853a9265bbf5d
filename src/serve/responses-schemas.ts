/** @file What `POST /v1/responses` answers, as schemas. Shapes: OpenAI API reference, "Responses". */
import { z } from "zod";

const count = z.int().min(0);
const status = z.enum(["in_progress", "completed", "incomplete"]);

const logprobs = z.array(
  z.strictObject({
    token: z.string(),
    logprob: z.number(),
    bytes: z.array(z.int()).nullable(),
    top_logprobs: z.array(
      z.strictObject({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()).nullable() }),
    ),
  }),
);
const textPart = z.strictObject({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: z.array(z.never()),
  logprobs,
});
const reasoningPart = z.strictObject({ type: z.literal("reasoning_text"), text: z.string() });

const messageItem = z.strictObject({
  id: z.string(),
  type: z.literal("message"),
  status,
  role: z.literal("assistant"),
  content: z.array(textPart),
});
const callItem = z.strictObject({
  id: z.string(),
  type: z.literal("function_call"),
  status,
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
});
const reasoningItem = z.strictObject({
  id: z.string(),
  type: z.literal("reasoning"),
  status,
  summary: z.array(z.never()),
  content: z.array(reasoningPart),
});
export const outputItemSchema = z.discriminatedUnion("type", [messageItem, callItem, reasoningItem]);
export type OutputItem = z.infer<typeof outputItemSchema>;

export const responseSchema = z.strictObject({
  id: z.string(),
  object: z.literal("response"),
  created_at: z.int(),
  status,
  background: z.literal(false),
  error: z.null(),
  incomplete_details: z.strictObject({ reason: z.enum(["max_output_tokens", "content_filter"]) }).nullable(),
  instructions: z.string().nullable(),
  max_output_tokens: z.int().nullable(),
  metadata: z.record(z.string(), z.string()),
  model: z.string(),
  output: z.array(outputItemSchema),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.null(),
  reasoning: z.strictObject({ effort: z.string().nullable(), summary: z.null() }),
  store: z.literal(false),
  temperature: z.number().nullable(),
  text: z.strictObject({ format: z.looseObject({ type: z.string() }) }),
  tool_choice: z.union([z.string(), z.strictObject({ type: z.literal("function"), name: z.string() })]),
  tools: z.array(
    z.strictObject({
      type: z.literal("function"),
      name: z.string(),
      description: z.string().nullable(),
      parameters: z.record(z.string(), z.unknown()).nullable(),
      strict: z.boolean(),
    }),
  ),
  top_logprobs: z.int(),
  top_p: z.number().nullable(),
  truncation: z.literal("disabled"),
  usage: z
    .strictObject({
      input_tokens: count,
      input_tokens_details: z.strictObject({ cached_tokens: count, cache_write_tokens: count }),
      output_tokens: count,
      output_tokens_details: z.strictObject({ reasoning_tokens: count }),
      total_tokens: count,
    })
    .nullable(),
});
export type ResponseObject = z.infer<typeof responseSchema>;

const event = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.strictObject({ type: z.literal(type), sequence_number: count, ...shape });
const place = { item_id: z.string(), output_index: count };
const partPlace = { ...place, content_index: count };
const response = { response: responseSchema };

export const responseEventSchema = z.discriminatedUnion("type", [
  event("response.created", response),
  event("response.in_progress", response),
  event("response.completed", response),
  event("response.incomplete", response),
  event("response.output_item.added", { output_index: count, item: outputItemSchema }),
  event("response.output_item.done", { output_index: count, item: outputItemSchema }),
  event("response.content_part.added", { ...partPlace, part: z.union([textPart, reasoningPart]) }),
  event("response.content_part.done", { ...partPlace, part: z.union([textPart, reasoningPart]) }),
  event("response.output_text.delta", { ...partPlace, delta: z.string(), logprobs }),
  event("response.output_text.done", { ...partPlace, text: z.string(), logprobs }),
  event("response.reasoning_text.delta", { ...partPlace, delta: z.string() }),
  event("response.reasoning_text.done", { ...partPlace, text: z.string() }),
  event("response.function_call_arguments.delta", { ...place, delta: z.string() }),
  event("response.function_call_arguments.done", { ...place, name: z.string(), arguments: z.string() }),
]);
export type ResponseEvent = z.infer<typeof responseEventSchema>;

/** An event before its place in the stream is known. */
export type EventBody = ResponseEvent extends infer Event
  ? Event extends ResponseEvent
    ? Omit<Event, "sequence_number">
    : never
  : never;
