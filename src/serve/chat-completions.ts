/** @file `POST /v1/chat/completions`. Shapes: OpenAI API reference, "Chat". */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { AnswerEnd, AnswerToken } from "./answer.ts";
import {
  type ChatChunk,
  type ChatCompletion,
  chatChunkSchema,
  chatCompletionSchema,
} from "./answer-schemas.ts";
import { badValue, unsupported } from "./api-error.ts";
import { OPENAI } from "./api-shape.ts";
import type { ChatMessage } from "./chat-codec.ts";
import {
  type AnswerFormat,
  type Conversation,
  planConversation,
  type ToolChoice,
  toolName,
} from "./conversation.ts";
import { type GenerationPlan, Tally } from "./generation.ts";
import { chatTokenLogprobs } from "./logprobs.ts";
import {
  contentSchema,
  contentText,
  optional,
  parametersSchema,
  samplingFields,
  textSchema,
} from "./request-fields.ts";
import { postRoute } from "./route.ts";
import type { ServedModel } from "./served-model.ts";
import type { WorkScope } from "./service.ts";
import { type TurnEvent, type Turn, wholeTurns, writeTurns } from "./turn.ts";

const content = contentSchema("text");
const toolCall = z.object({
  id: z.string(),
  type: optional(z.literal("function")),
  function: z.object({ name: toolName, arguments: textSchema }),
});

const messageSchema = z.discriminatedUnion(
  "role",
  [
    z.object({ role: z.literal("system"), content }),
    z.object({ role: z.literal("developer"), content }),
    z.object({ role: z.literal("user"), content }),
    z.object({
      role: z.literal("assistant"),
      content: optional(contentSchema("text", "refusal")),
      tool_calls: optional(z.array(toolCall).max(128)),
    }),
    z.object({ role: z.literal("tool"), content, tool_call_id: z.string() }),
  ],
  "expected a message with role 'system', 'developer', 'user', 'assistant' or 'tool'",
);

const toolSchema = z.object({
  type: z.literal("function", "this server knows tools of type 'function' only"),
  function: z.object({
    name: toolName,
    description: optional(textSchema),
    parameters: optional(parametersSchema),
    strict: optional(z.boolean()),
  }),
});
const toolChoiceSchema = z.union(
  [
    z.enum(["auto", "none", "required"]),
    z.object({ type: z.literal("function"), function: z.object({ name: z.string() }) }),
  ],
  "expected 'auto', 'none', 'required' or { type: 'function', function: { name } }",
);
const formatSchema = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.literal("text") }),
    z.object({ type: z.literal("json_object") }),
    z.object({
      type: z.literal("json_schema"),
      json_schema: z.object({
        name: z.string(),
        description: optional(z.string()),
        schema: optional(parametersSchema),
        strict: optional(z.boolean()),
      }),
    }),
  ],
  "expected a format of type 'text', 'json_object' or 'json_schema'",
);

const chatRequestSchema = z.object({
  ...samplingFields,
  messages: z.array(messageSchema).min(1).max(10_000),
  max_tokens: optional(z.int().min(1)),
  max_completion_tokens: optional(z.int().min(1)),
  logprobs: optional(z.boolean()),
  top_logprobs: optional(z.int().min(0).max(20)),
  tools: optional(z.array(toolSchema).max(128)),
  tool_choice: optional(toolChoiceSchema),
  parallel_tool_calls: optional(z.boolean()),
  response_format: optional(formatSchema),
  /** Anything but `none` asks a model that can think to do so before it answers. */
  reasoning_effort: optional(z.enum(["none", "minimal", "low", "medium", "high", "xhigh"])),
  functions: optional(z.array(z.unknown())),
  modalities: optional(z.array(z.string())),
});
type ChatRequest = z.output<typeof chatRequestSchema>;

const NAMES = {
  messages: "messages",
  tools: "tools",
  toolChoice: "tool_choice",
  format: "response_format",
};

export const chatCompletionsRoute = postRoute({
  path: "/v1/chat/completions",
  summary: "The next turn of a conversation.",
  shape: OPENAI,
  request: chatRequestSchema,
  response: chatCompletionSchema,
  event: chatChunkSchema,
  reply: (service, request) => {
    const served = service.shelf.get(request.model);
    const plan = planConversation(served, readConversation(request), NAMES, service.limits.choices);
    const reply = new ChatReply(served, plan, request);
    return request.stream === true
      ? { kind: "events", events: (scope) => reply.stream(scope) }
      : { kind: "work", work: (scope) => reply.whole(scope) };
  },
});

function readConversation(request: ChatRequest): Conversation {
  if ((request.functions ?? []).length > 0) {
    throw unsupported("functions", "'functions', which 'tools' replaced");
  }
  if ((request.modalities ?? []).some((kind) => kind !== "text")) {
    throw unsupported("modalities", "anything but text");
  }
  if (request.top_logprobs !== undefined && request.logprobs !== true) {
    throw badValue("top_logprobs", "'top_logprobs' needs 'logprobs' to be true.");
  }
  return {
    messages: request.messages.map(readMessage),
    tools: (request.tools ?? []).map((tool) => ({
      ...tool.function,
      strict: tool.function.strict ?? false,
    })),
    toolChoice: readChoice(request.tool_choice),
    parallelCalls: request.parallel_tool_calls ?? true,
    format: readFormat(request.response_format),
    deliberation: (request.reasoning_effort ?? "none") !== "none",
    sampling: request,
    maxTokens: request.max_completion_tokens ?? request.max_tokens,
    topLogprobs: request.top_logprobs ?? 0,
  };
}

function readMessage(message: ChatRequest["messages"][number]): ChatMessage {
  const plain = { role: message.role, content: contentText(message.content) };
  if (message.role !== "assistant" || message.tool_calls === undefined) return plain;
  return { ...plain, calls: message.tool_calls.map((call) => call.function) };
}

function readChoice(choice: ChatRequest["tool_choice"]): ToolChoice {
  return typeof choice === "object" ? choice.function : (choice ?? "auto");
}

function readFormat(format: ChatRequest["response_format"]): AnswerFormat {
  if (format?.type === "json_object") return { kind: "json" };
  if (format?.type !== "json_schema") return { kind: "text" };
  const { schema, strict } = format.json_schema;
  return { kind: "schema", schema: schema ?? {}, strict: strict ?? false };
}

type FinishReason = ChatCompletion["choices"][number]["finish_reason"];

/** One request's answer, whole or in chunks. */
class ChatReply {
  readonly #served: ServedModel;
  readonly #plan: GenerationPlan;
  readonly #request: ChatRequest;
  readonly #head: { readonly id: string; readonly created: number; readonly model: string };

  constructor(served: ServedModel, plan: GenerationPlan, request: ChatRequest) {
    this.#served = served;
    this.#plan = plan;
    this.#request = request;
    this.#head = {
      id: `chatcmpl-${randomUUID()}`,
      created: Math.floor(Date.now() / 1000),
      model: served.id,
    };
  }

  async whole(scope: WorkScope): Promise<ChatCompletion> {
    const choices: ChatCompletion["choices"] = [];
    const tally = new Tally(this.#plan);
    for await (const turn of wholeTurns(this.#plan, scope)) {
      tally.add(turn.end);
      choices.push({
        index: turn.index,
        message: this.#message(turn),
        logprobs: this.#describe(turn.tokens),
        finish_reason: this.#finishReason(turn.end.finishReason, turn.calls.length),
      });
    }
    return { ...this.#head, object: "chat.completion", choices, ...tally.report() };
  }

  async *stream(scope: WorkScope): AsyncGenerator<ChatChunk, void, void> {
    const tally = new Tally(this.#plan);
    for await (const event of writeTurns(this.#plan, scope)) {
      if (event.kind === "end") tally.add(event.end);
      yield this.#chunk(event);
    }
    if (this.#includeUsage) {
      yield { ...this.#head, object: "chat.completion.chunk", choices: [], ...tally.report() };
    }
  }

  get #includeUsage(): boolean {
    return this.#request.stream_options?.include_usage === true;
  }

  #message({ text, thoughts, calls }: Turn): ChatCompletion["choices"][number]["message"] {
    return {
      role: "assistant",
      content: text === "" && calls.length > 0 ? null : text,
      refusal: null,
      ...(thoughts === "" ? {} : { reasoning_content: thoughts }),
      ...(calls.length === 0
        ? {}
        : {
            tool_calls: calls.map((call) => ({
              id: `call_${call.key}`,
              type: "function" as const,
              function: { name: call.name, arguments: call.arguments },
            })),
          }),
    };
  }

  #chunk(event: TurnEvent): ChatChunk {
    const logprobs = event.kind === "text" ? this.#describe(event.tokens) : null;
    const reason = event.kind === "end" ? this.#finishReason(event.end.finishReason, event.calls) : null;
    return {
      ...this.#head,
      object: "chat.completion.chunk",
      choices: [{ index: event.index, delta: deltaOf(event), logprobs, finish_reason: reason }],
      ...(this.#includeUsage ? { usage: null } : {}),
    };
  }

  /**
   * OpenAI's own table, found by trying: a call that the client has ordered by name ends with `stop`, any other with
   * `tool_calls` (github.com/vllm-project/vllm/pull/25054).
   */
  #finishReason(reason: AnswerEnd["finishReason"], calls: number): FinishReason {
    if (reason !== "stop" || calls === 0) return reason;
    return typeof this.#request.tool_choice === "object" ? "stop" : "tool_calls";
  }

  #describe(tokens: readonly AnswerToken[]) {
    if (this.#request.logprobs !== true) return null;
    return { content: tokens.map((token) => chatTokenLogprobs(this.#served.chat, token)), refusal: null };
  }
}

/** A call's id, type and name come once, with its first chunk; its arguments follow in pieces. */
function deltaOf(event: TurnEvent): ChatChunk["choices"][number]["delta"] {
  switch (event.kind) {
    case "start":
      return { role: "assistant", content: "", refusal: null };
    case "text":
      return { content: event.text };
    case "thought":
      return { reasoning_content: event.text };
    case "call":
      return {
        tool_calls: [
          {
            index: event.call,
            id: `call_${event.key}`,
            type: "function",
            function: { name: event.name, arguments: "" },
          },
        ],
      };
    case "arguments":
      return { tool_calls: [{ index: event.call, function: { arguments: event.text } }] };
    case "end":
      return {};
  }
}
