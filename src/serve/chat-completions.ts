/** @file `POST /v1/chat/completions`. Shapes: OpenAI API reference, "Chat". */
import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import { z } from "zod";
import { describeError, FirnError } from "../core/index.ts";
import type { AnswerToken } from "./answer.ts";
import { badValue } from "./api-error.ts";
import type { ChatMessage } from "./chat-codec.ts";
import {
  checkPromptFits,
  type GenerationPlan,
  generateChoices,
  planGeneration,
  Tally,
} from "./generation.ts";
import { chatTokenLogprobs } from "./logprobs.ts";
import {
  optional,
  parseRequest,
  refusedFields,
  refuseUnsupported,
  samplingFields,
  textSchema,
} from "./request-fields.ts";
import type { ServedModel } from "./served-model.ts";
import { readBody, respondJson, respondStream, type ServeEnv, type Service } from "./service.ts";

const textPart = z.object({
  type: z.literal("text", "this server understands parts of type 'text' only"),
  text: textSchema,
});
const content = z.union([textSchema, z.array(textPart)], {
  error: (issue) =>
    issue.input === undefined ? undefined : "expected a string or an array of parts of type 'text'",
});

const messageSchema = z.discriminatedUnion(
  "role",
  [
    z.object({ role: z.literal("system"), content }),
    z.object({ role: z.literal("developer"), content }),
    z.object({ role: z.literal("user"), content }),
    z.object({ role: z.literal("assistant"), content: optional(content) }),
  ],
  "expected a message with role 'system', 'developer', 'user' or 'assistant'",
);

const chatRequestSchema = z.object({
  ...samplingFields,
  ...refusedFields,
  messages: z.array(messageSchema).min(1).max(10_000),
  max_tokens: optional(z.int().min(1)),
  max_completion_tokens: optional(z.int().min(1)),
  logprobs: optional(z.boolean()),
  top_logprobs: optional(z.int().min(0).max(20)),
});
type ChatRequest = z.output<typeof chatRequestSchema>;

export function addChatCompletions(app: Hono<ServeEnv>, service: Service): void {
  app.post("/v1/chat/completions", async (c) => {
    const request = parseRequest(chatRequestSchema, await readBody(service, c));
    const served = service.shelf.get(request.model);
    const plan = planChat(served, request, service.limits.choices);
    const reply = new ChatReply(served, plan, request);
    if (request.stream === true) return respondStream(service, c, (signal) => reply.stream(signal));
    return respondJson(service, c, (signal) => reply.whole(signal));
  });
}

function planChat(served: ServedModel, request: ChatRequest, maxChoices: number): GenerationPlan {
  refuseUnsupported(request);
  if (request.top_logprobs !== undefined && request.logprobs !== true) {
    throw badValue("top_logprobs", "'top_logprobs' needs 'logprobs' to be true.");
  }
  const prompt = renderPrompt(served, request.messages);
  checkPromptFits(served, prompt, "messages");
  return planGeneration(served, [prompt], request, {
    maxTokens: request.max_completion_tokens ?? request.max_tokens,
    topLogprobs: request.top_logprobs ?? 0,
    maxChoices,
  });
}

function renderPrompt(served: ServedModel, messages: ChatRequest["messages"]): number[] {
  const plain = messages.map(
    (message): ChatMessage => ({
      role: message.role,
      content:
        typeof message.content === "string"
          ? message.content
          : (message.content ?? []).map((part) => part.text).join(""),
    }),
  );
  try {
    return served.chat.renderChat(plain);
  } catch (error) {
    if (error instanceof FirnError) throw badValue("messages", describeError(error));
    throw error;
  }
}

/** One request's answer, whole or in chunks. */
class ChatReply {
  readonly #served: ServedModel;
  readonly #plan: GenerationPlan;
  readonly #logprobs: boolean;
  readonly #includeUsage: boolean;
  readonly #head: { readonly id: string; readonly created: number; readonly model: string };

  constructor(served: ServedModel, plan: GenerationPlan, request: ChatRequest) {
    this.#served = served;
    this.#plan = plan;
    this.#logprobs = request.logprobs === true;
    this.#includeUsage = request.stream_options?.include_usage === true;
    this.#head = {
      id: `chatcmpl-${randomUUID()}`,
      created: Math.floor(Date.now() / 1000),
      model: served.id,
    };
  }

  async whole(signal: AbortSignal) {
    const choices = [];
    const tally = new Tally(this.#plan);
    let text = "";
    let tokens: AnswerToken[] = [];
    for await (const event of generateChoices(this.#plan, signal)) {
      if (event.kind === "piece") {
        text += event.piece.text;
        tokens.push(...event.piece.tokens);
      } else if (event.kind === "end") {
        tally.add(event.end);
        choices.push({
          index: event.index,
          message: { role: "assistant" as const, content: text, refusal: null },
          logprobs: this.#describe(tokens),
          finish_reason: event.end.finishReason,
        });
        text = "";
        tokens = [];
      }
    }
    return { ...this.#head, object: "chat.completion" as const, choices, ...tally.report() };
  }

  async *stream(signal: AbortSignal): AsyncGenerator<object, void, void> {
    const tally = new Tally(this.#plan);
    for await (const event of generateChoices(this.#plan, signal)) {
      const { index } = event;
      if (event.kind === "start") {
        yield this.#chunk(index, { role: "assistant", content: "", refusal: null }, null, null);
      } else if (event.kind === "piece") {
        yield this.#chunk(index, { content: event.piece.text }, this.#describe(event.piece.tokens), null);
      } else {
        tally.add(event.end);
        yield this.#chunk(index, {}, null, event.end.finishReason);
      }
    }
    if (this.#includeUsage) {
      yield { ...this.#head, object: "chat.completion.chunk", choices: [], ...tally.report() };
    }
  }

  #chunk(index: number, delta: object, logprobs: object | null, finishReason: "stop" | "length" | null) {
    return {
      ...this.#head,
      object: "chat.completion.chunk",
      choices: [{ index, delta, logprobs, finish_reason: finishReason }],
      ...(this.#includeUsage ? { usage: null } : {}),
    };
  }

  #describe(tokens: readonly AnswerToken[]) {
    if (!this.#logprobs) return null;
    return { content: tokens.map((token) => chatTokenLogprobs(this.#served.chat, token)), refusal: null };
  }
}
