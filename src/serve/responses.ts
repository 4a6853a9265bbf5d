/**
 * @file `POST /v1/responses`. Shapes: OpenAI API reference, "Responses". The server keeps nothing: a conversation is sent
 * whole with every request, and what would need a memory of earlier responses is refused.
 */
import { z } from "zod";
import { assert } from "../core/index.ts";
import { unsupported } from "./api-error.ts";
import { RESPONSES } from "./api-shape.ts";
import type { ChatMessage } from "./chat-codec.ts";
import {
  type AnswerFormat,
  type Conversation,
  planConversation,
  type ToolChoice,
  toolName,
} from "./conversation.ts";
import { type GenerationPlan, Tally } from "./generation.ts";
import {
  choiceFields,
  contentSchema,
  contentText,
  modelId,
  optional,
  parametersSchema,
  streamField,
  textSchema,
} from "./request-fields.ts";
import {
  type ResponseEvent,
  type ResponseObject,
  responseEventSchema,
  responseSchema,
} from "./responses-schemas.ts";
import { newId, ResponseWriter } from "./responses-writer.ts";
import { postRoute } from "./route.ts";
import type { ServedModel } from "./served-model.ts";
import type { WorkScope } from "./service.ts";
import { writeTurns } from "./turn.ts";

const content = contentSchema("input_text", "output_text", "text", "refusal");
const inputItem = z.union(
  [
    z.object({
      type: optional(z.literal("message")),
      role: z.enum(["system", "developer", "user", "assistant"]),
      content,
    }),
    z.object({
      type: z.literal("function_call"),
      call_id: z.string(),
      name: toolName,
      arguments: textSchema,
    }),
    z.object({ type: z.literal("function_call_output"), call_id: z.string(), output: content }),
    // Thoughts of earlier turns are not shown to the model again.
    z.object({ type: z.literal("reasoning") }),
  ],
  "expected a message, a function_call, a function_call_output or a reasoning item",
);

const toolSchema = z.object({
  type: z.literal("function", "this server knows tools of type 'function' only"),
  name: toolName,
  description: optional(textSchema),
  parameters: optional(parametersSchema),
  strict: optional(z.boolean()),
});
const formatSchema = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.literal("text") }),
    z.object({ type: z.literal("json_object") }),
    z.object({
      type: z.literal("json_schema"),
      name: z.string(),
      description: optional(z.string()),
      schema: parametersSchema,
      strict: optional(z.boolean()),
    }),
  ],
  "expected a format of type 'text', 'json_object' or 'json_schema'",
);

const requestSchema = z.object({
  model: modelId,
  input: z.union([textSchema, z.array(inputItem).min(1).max(10_000)], {
    error: (issue) =>
      Array.isArray(issue.input) || issue.input === undefined
        ? undefined
        : "expected a string or an array of items",
  }),
  instructions: optional(textSchema),
  max_output_tokens: optional(z.int().min(1)),
  ...choiceFields,
  seed: optional(z.int()),
  stream: streamField,
  tools: optional(z.array(toolSchema).max(128)),
  tool_choice: optional(
    z.union(
      [z.enum(["auto", "none", "required"]), z.object({ type: z.literal("function"), name: z.string() })],
      "expected 'auto', 'none', 'required' or { type: 'function', name }",
    ),
  ),
  parallel_tool_calls: optional(z.boolean()),
  text: optional(z.object({ format: optional(formatSchema) })),
  reasoning: optional(z.object({ effort: optional(z.string()) })),
  include: optional(z.array(z.string())),
  top_logprobs: optional(z.int().min(0).max(20)),
  metadata: optional(z.record(z.string(), z.string())),
  truncation: optional(z.string()),
  previous_response_id: optional(z.string()),
  conversation: optional(z.unknown()),
  background: optional(z.boolean()),
  store: optional(z.boolean()),
  user: optional(z.string()),
});
type ResponsesRequest = z.output<typeof requestSchema>;

const NAMES = { messages: "input", tools: "tools", toolChoice: "tool_choice", format: "text.format" };

export const responsesRoute = postRoute({
  path: "/v1/responses",
  summary: "The next turn of a conversation, as items. Nothing is stored.",
  shape: RESPONSES,
  request: requestSchema,
  response: responseSchema,
  event: responseEventSchema,
  reply: (service, request) => {
    refuseMemory(request);
    const served = service.shelf.get(request.model);
    const plan = planConversation(served, readConversation(request), NAMES, service.limits.choices);
    return request.stream === true
      ? { kind: "events", events: (scope) => respond(served, plan, request, scope) }
      : { kind: "work", work: (scope) => wholeResponse(respond(served, plan, request, scope)) };
  },
});

/** What the last of the events holds. */
async function wholeResponse(events: AsyncGenerator<ResponseEvent, void, void>): Promise<ResponseObject> {
  let response: ResponseObject | undefined;
  for await (const event of events) if ("response" in event) ({ response } = event);
  assert(response !== undefined, "a response has no events");
  return response;
}

async function* respond(
  served: ServedModel,
  plan: GenerationPlan,
  request: ResponsesRequest,
  scope: WorkScope,
): AsyncGenerator<ResponseEvent, void, void> {
  const logprobs = request.include?.includes("message.output_text.logprobs") === true;
  const writer = new ResponseWriter(served, emptyResponse(served, request), logprobs);
  const tally = new Tally(plan);
  yield* writer.begin();
  for await (const event of writeTurns(plan, scope)) {
    yield* writer.write(event);
    if (event.kind !== "end") continue;
    tally.add(event.end);
    yield* writer.end(event.end, tally);
  }
}

function refuseMemory(request: ResponsesRequest): void {
  if (request.previous_response_id !== undefined) {
    throw unsupported("previous_response_id", "stored responses: send the whole conversation as 'input'");
  }
  if (request.conversation !== undefined) throw unsupported("conversation", "stored conversations");
  if (request.background === true) throw unsupported("background", "answers in the background");
  if ((request.truncation ?? "disabled") !== "disabled") {
    throw unsupported("truncation", "cutting a conversation: what does not fit is an error");
  }
}

function readConversation(request: ResponsesRequest): Conversation {
  const choice = request.tool_choice;
  const toolChoice: ToolChoice = typeof choice === "object" ? { name: choice.name } : (choice ?? "auto");
  return {
    messages: readInput(request),
    // This API's tools are strict unless they say otherwise; one that cannot be is then held to what can be enforced.
    tools: (request.tools ?? []).map((tool) => ({ ...tool, strict: tool.strict ?? false })),
    toolChoice,
    parallelCalls: request.parallel_tool_calls ?? true,
    format: readFormat(request),
    deliberation: (request.reasoning?.effort ?? "none") !== "none",
    sampling: request,
    maxTokens: request.max_output_tokens,
    topLogprobs: request.top_logprobs ?? 0,
  };
}

function readInput({ input, instructions }: ResponsesRequest): ChatMessage[] {
  const messages: ChatMessage[] = [];
  if (instructions !== undefined) messages.push({ role: "system", content: instructions });
  if (typeof input === "string") return [...messages, { role: "user", content: input }];
  for (const item of input) {
    if ("role" in item) {
      messages.push({ role: item.role, content: contentText(item.content) });
    } else if (item.type === "function_call") {
      const call = { name: item.name, arguments: item.arguments };
      const last = messages.at(-1);
      // Calls that were made together stand together.
      if (last?.calls === undefined) messages.push({ role: "assistant", content: "", calls: [call] });
      else messages[messages.length - 1] = { ...last, calls: [...last.calls, call] };
    } else if (item.type === "function_call_output") {
      messages.push({ role: "tool", content: contentText(item.output) });
    }
  }
  return messages;
}

function readFormat({ text }: ResponsesRequest): AnswerFormat {
  const format = text?.format;
  if (format?.type === "json_object") return { kind: "json" };
  if (format?.type === "json_schema") {
    return { kind: "schema", schema: format.schema, strict: format.strict ?? false };
  }
  return { kind: "text" };
}

function emptyResponse(served: ServedModel, request: ResponsesRequest): ResponseObject {
  return {
    id: newId("resp"),
    object: "response",
    created_at: Math.floor(Date.now() / 1000),
    status: "in_progress",
    background: false,
    error: null,
    incomplete_details: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    metadata: request.metadata ?? {},
    model: served.id,
    output: [],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort: request.reasoning?.effort ?? null, summary: null },
    store: false,
    temperature: request.temperature ?? null,
    text: { format: request.text?.format ?? { type: "text" } },
    tool_choice: request.tool_choice ?? "auto",
    tools: (request.tools ?? []).map((tool) => ({
      type: "function",
      name: tool.name,
      description: tool.description ?? null,
      parameters: tool.parameters ?? null,
      strict: tool.strict ?? false,
    })),
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? null,
    truncation: "disabled",
    usage: null,
  };
}
