/** @file What `POST /v1/messages` answers, as schemas. Shapes: Anthropic API reference, "Messages". */
import { z } from "zod";

const count = z.int().min(0);

const textBlock = z.strictObject({ type: z.literal("text"), text: z.string(), citations: z.null() });
const thinkingBlock = z.strictObject({
  type: z.literal("thinking"),
  thinking: z.string(),
  signature: z.string(),
});
const toolUseBlock = z.strictObject({
  type: z.literal("tool_use"),
  id: z.string(),
  name: z.string(),
  input: z.unknown(),
});
export const contentBlockSchema = z.discriminatedUnion("type", [textBlock, thinkingBlock, toolUseBlock]);
export type ContentBlock = z.infer<typeof contentBlockSchema>;

const usage = z.strictObject({
  /** Tokens of the prompt that were read for this request. */
  input_tokens: count,
  cache_creation_input_tokens: count,
  /** Tokens of the prompt that had been read for an earlier one. */
  cache_read_input_tokens: count,
  output_tokens: count,
});
const stop = {
  stop_reason: z.enum(["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]).nullable(),
  stop_sequence: z.string().nullable(),
};

export const messageSchema = z.strictObject({
  id: z.string(),
  type: z.literal("message"),
  role: z.literal("assistant"),
  model: z.string(),
  content: z.array(contentBlockSchema),
  ...stop,
  usage,
});
export type Message = z.infer<typeof messageSchema>;

const delta = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text_delta"), text: z.string() }),
  z.strictObject({ type: z.literal("thinking_delta"), thinking: z.string() }),
  z.strictObject({ type: z.literal("input_json_delta"), partial_json: z.string() }),
]);

export const messageEventSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("message_start"), message: messageSchema }),
  z.strictObject({
    type: z.literal("content_block_start"),
    index: count,
    content_block: contentBlockSchema,
  }),
  z.strictObject({ type: z.literal("content_block_delta"), index: count, delta }),
  z.strictObject({ type: z.literal("content_block_stop"), index: count }),
  z.strictObject({ type: z.literal("message_delta"), delta: z.strictObject(stop), usage }),
  z.strictObject({ type: z.literal("message_stop") }),
]);
export type MessageEvent = z.infer<typeof messageEventSchema>;
