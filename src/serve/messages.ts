/** @file `POST /v1/messages` and `/v1/messages/count_tokens`. Shapes: Anthropic API reference, "Messages". */
import { z } from "zod";
import type { AnswerEnd } from "./answer.ts";
import { ANTHROPIC } from "./api-shape.ts";
import type { ChatMessage } from "./chat-codec.ts";
import { type Conversation, planConversation, type ToolChoice, toolName } from "./conversation.ts";
import type { GenerationPlan } from "./generation.ts";
import { type Message, type MessageEvent, messageEventSchema, messageSchema } from "./messages-schemas.ts";
import {
  contentSchema,
  contentText,
  modelId,
  optional,
  parametersSchema,
  stopTexts,
  streamField,
  textSchema,
  topK,
  topP,
} from "./request-fields.ts";
import { newId } from "./responses-writer.ts";
import { postRoute } from "./route.ts";
import type { ServedModel } from "./served-model.ts";
import type { WorkScope } from "./service.ts";
import { type Turn, wholeTurns, writeTurns } from "./turn.ts";

const blockSchema = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.literal("text"), text: textSchema }),
    z.object({
      type: z.literal("tool_use"),
      id: z.string(),
      name: toolName,
      input: z.record(z.string(), z.unknown()),
    }),
    z.object({
      type: z.literal("tool_result"),
      tool_use_id: z.string(),
      content: optional(contentSchema("text")),
      is_error: optional(z.boolean()),
    }),
    // Thoughts of earlier turns are not shown to the model again.
    z.object({ type: z.literal("thinking") }),
    z.object({ type: z.literal("redacted_thinking") }),
  ],
  "this server understands blocks of type 'text', 'tool_use', 'tool_result' and 'thinking' only",
);
const contentBlocks = z.union([textSchema, z.array(blockSchema).max(10_000)], {
  error: (issue) =>
    Array.isArray(issue.input) || issue.input === undefined
      ? undefined
      : "expected a string or an array of blocks",
});

const toolSchema = z.object({
  type: optional(z.literal("custom", "this server knows tools of type 'custom' only")),
  name: toolName,
  description: optional(textSchema),
  input_schema: parametersSchema,
  strict: optional(z.boolean()),
});
const parallel = { disable_parallel_tool_use: optional(z.boolean()) };
const toolChoiceSchema = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.literal("auto"), ...parallel }),
    z.object({ type: z.literal("any"), ...parallel }),
    z.object({ type: z.literal("tool"), name: z.string(), ...parallel }),
    z.object({ type: z.literal("none") }),
  ],
  "expected a tool choice of type 'auto', 'any', 'tool' or 'none'",
);

const promptFields = {
  model: modelId,
  messages: z
    .array(z.object({ role: z.enum(["user", "assistant"]), content: contentBlocks }))
    .min(1)
    .max(10_000),
  system: optional(contentSchema("text")),
  tools: optional(z.array(toolSchema).max(128)),
  tool_choice: optional(toolChoiceSchema),
  thinking: optional(z.object({ type: z.enum(["enabled", "disabled", "adaptive"]) })),
};
const requestSchema = z.object({
  ...promptFields,
  max_tokens: z.int().min(1),
  temperature: optional(z.number().min(0).max(1)),
  top_p: topP,
  top_k: topK,
  stop_sequences: optional(stopTexts),
  stream: streamField,
  metadata: optional(z.looseObject({})),
  output_config: optional(
    z.object({
      format: optional(z.object({ type: z.literal("json_schema"), schema: parametersSchema })),
    }),
  ),
});
const countSchema = z.object(promptFields);
type PromptRequest = z.output<typeof countSchema>;

const NAMES = {
  messages: "messages",
  tools: "tools",
  toolChoice: "tool_choice",
  format: "output_config.format",
};

export const messagesRoute = postRoute({
  path: "/v1/messages",
  summary: "The next turn of a conversation, as Anthropic's clients ask for it.",
  shape: ANTHROPIC,
  request: requestSchema,
  response: messageSchema,
  event: messageEventSchema,
  reply: (service, request) => {
    const served = service.shelf.get(request.model);
    const format = request.output_config?.format;
    const conversation: Conversation = {
      ...readPrompt(request),
      format:
        format === undefined ? { kind: "text" } : { kind: "schema", schema: format.schema, strict: true },
      sampling: {
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: request.top_k,
        stop: request.stop_sequences,
      },
      maxTokens: request.max_tokens,
    };
    const plan = planConversation(served, conversation, NAMES, service.limits.choices);
    return request.stream === true
      ? { kind: "events", events: (scope) => streamMessage(served, plan, scope) }
      : { kind: "work", work: (scope) => wholeMessage(served, plan, scope) };
  },
});

export const countTokensRoute = postRoute({
  path: "/v1/messages/count_tokens",
  summary: "How many tokens the prompt of a message would have.",
  shape: ANTHROPIC,
  request: countSchema,
  response: z.strictObject({ input_tokens: z.int() }),
  reply: (service, request) => {
    const served = service.shelf.get(request.model);
    const plan = planConversation(served, readPrompt(request), NAMES, service.limits.choices);
    return { kind: "now", body: { input_tokens: plan.prompts[0]!.length } };
  },
});

function readPrompt(request: PromptRequest): Conversation {
  const system = contentText(request.system);
  const choice = request.tool_choice;
  return {
    messages: [
      ...(system === "" ? [] : [{ role: "system" as const, content: system }]),
      ...request.messages.flatMap(readMessage),
    ],
    tools: (request.tools ?? []).map(({ input_schema: parameters, strict, ...tool }) => ({
      ...tool,
      parameters,
      strict: strict ?? false,
    })),
    toolChoice: readChoice(choice),
    parallelCalls: !(
      choice !== undefined &&
      "disable_parallel_tool_use" in choice &&
      choice.disable_parallel_tool_use
    ),
    format: { kind: "text" },
    deliberation: (request.thinking?.type ?? "disabled") !== "disabled",
    sampling: {},
    maxTokens: undefined,
    topLogprobs: 0,
  };
}

function readChoice(choice: PromptRequest["tool_choice"]): ToolChoice {
  switch (choice?.type) {
    case "any":
      return "required";
    case "tool":
      return { name: choice.name };
    case "none":
      return "none";
    case "auto":
    case undefined:
      return "auto";
  }
}

/** What tools returned stands in a user's message here, and in a turn of its own in every chat format. */
function readMessage({ role, content }: PromptRequest["messages"][number]): ChatMessage[] {
  if (typeof content === "string") return [{ role, content }];
  const text = content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("");
  if (role === "assistant") {
    const calls = content.flatMap((block) =>
      block.type === "tool_use" ? [{ name: block.name, arguments: JSON.stringify(block.input) }] : [],
    );
    return [{ role, content: text, ...(calls.length === 0 ? {} : { calls }) }];
  }
  const results = content.flatMap((block): ChatMessage[] =>
    block.type === "tool_result" ? [{ role: "tool", content: contentText(block.content) }] : [],
  );
  const said = content.some(({ type }) => type === "text") || results.length === 0;
  return said ? [...results, { role, content: text }] : results;
}

async function wholeMessage(served: ServedModel, plan: GenerationPlan, scope: WorkScope): Promise<Message> {
  const message = emptyMessage(served, plan);
  for await (const turn of wholeTurns(plan, scope)) {
    message.content = blocksOf(turn);
    Object.assign(message, stopOf(turn.end, turn.calls.length));
    message.usage = usageOf(plan, turn.end);
  }
  return message;
}

function blocksOf({ thoughts, text, calls, end }: Turn): Message["content"] {
  return [
    ...(thoughts === "" ? [] : [{ type: "thinking" as const, thinking: thoughts, signature: "" }]),
    ...(text === "" ? [] : [{ type: "text" as const, text, citations: null }]),
    ...calls.map((call, i) => ({
      type: "tool_use" as const,
      id: `toolu_${call.key}`,
      name: call.name,
      // Only the last call can have been cut off, by the limit or by the filter; what there is of it is no JSON.
      input:
        end.finishReason !== "stop" && i === calls.length - 1 ? {} : (JSON.parse(call.arguments) as unknown),
    })),
  ];
}

async function* streamMessage(
  served: ServedModel,
  plan: GenerationPlan,
  scope: WorkScope,
): AsyncGenerator<MessageEvent, void, void> {
  yield { type: "message_start", message: emptyMessage(served, plan) };
  let index = -1;
  let open: "text" | "thought" | "call" | undefined;
  for await (const event of writeTurns(plan, scope)) {
    if (event.kind === "start") continue;
    const opens =
      event.kind === "call" || ((event.kind === "text" || event.kind === "thought") && event.kind !== open);
    if (open !== undefined && (opens || event.kind === "end")) yield { type: "content_block_stop", index };
    if (opens) [index, open] = [index + 1, event.kind];
    switch (event.kind) {
      case "text":
        if (opens) {
          const block = { type: "text" as const, text: "", citations: null };
          yield { type: "content_block_start", index, content_block: block };
        }
        yield { type: "content_block_delta", index, delta: { type: "text_delta", text: event.text } };
        break;
      case "thought":
        if (opens) {
          const block = { type: "thinking" as const, thinking: "", signature: "" };
          yield { type: "content_block_start", index, content_block: block };
        }
        yield { type: "content_block_delta", index, delta: { type: "thinking_delta", thinking: event.text } };
        break;
      case "call": {
        const block = { type: "tool_use" as const, id: `toolu_${event.key}`, name: event.name, input: {} };
        yield { type: "content_block_start", index, content_block: block };
        break;
      }
      case "arguments":
        yield {
          type: "content_block_delta",
          index,
          delta: { type: "input_json_delta", partial_json: event.text },
        };
        break;
      case "end":
        yield {
          type: "message_delta",
          delta: stopOf(event.end, event.calls),
          usage: usageOf(plan, event.end),
        };
    }
  }
  yield { type: "message_stop" };
}

function emptyMessage(served: ServedModel, plan: GenerationPlan): Message {
  return {
    id: newId("msg"),
    type: "message",
    role: "assistant",
    model: served.id,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: {
      input_tokens: plan.prompts[0]!.length,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: 0,
    },
  };
}

function usageOf(plan: GenerationPlan, end: AnswerEnd): Message["usage"] {
  return {
    input_tokens: plan.prompts[0]!.length - end.cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: end.cachedTokens,
    output_tokens: end.completionTokens,
  };
}

function stopOf(end: AnswerEnd, calls: number): Pick<Message, "stop_reason" | "stop_sequence"> {
  const reason = (): Message["stop_reason"] => {
    if (end.finishReason === "length") return "max_tokens";
    if (end.finishReason === "content_filter") return "refusal";
    if (calls > 0) return "tool_use";
    return end.stopString === undefined ? "end_turn" : "stop_sequence";
  };
  return { stop_reason: reason(), stop_sequence: end.stopString ?? null };
}
