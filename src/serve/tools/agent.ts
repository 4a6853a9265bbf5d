/**
 * @file The agent loop on a model in this process: it answers, the calls it makes are put to its user, their results are read
 * to it, and it goes on. The page runs the same loop in the browser, over HTTP.
 */
import { FirnError } from "../../core/index.ts";
import type { AnswerEnd } from "../answer.ts";
import { ApiError } from "../api-error.ts";
import type { ChatMessage, SpokenCall } from "../chat-codec.ts";
import { type Conversation, planConversation, renderPrompt } from "../conversation.ts";
import type { GenerationPlan } from "../generation.ts";
import type { ServedModel } from "../served-model.ts";
import { writeTurns } from "../turn.ts";
import { MAX_ROUNDS } from "./rounds.ts";
import type { ToolResult } from "./tool.ts";
import type { Toolbox } from "./toolbox.ts";

export interface AgentOptions {
  readonly served: ServedModel;
  /** Empty: the model just answers. */
  readonly toolbox: Toolbox;
  /** Of the next token; a seed makes the answer repeatable. */
  readonly sampling: Conversation["sampling"];
  readonly maxTokens: number;
  readonly signal: AbortSignal;
  /** Asks the user about a call; it runs only if this resolves to true. */
  readonly allow: (call: SpokenCall) => Promise<boolean>;
}

export type AgentEvent =
  | { readonly kind: "text"; readonly text: string }
  /** A call that has been decided; `result` is undefined when it was refused. */
  | { readonly kind: "call"; readonly call: SpokenCall; readonly result: ToolResult | undefined }
  /** An answer is over, calls or none. */
  | { readonly kind: "answered"; readonly finishReason: AnswerEnd["finishReason"] }
  /** The model has called tools `MAX_ROUNDS` times in a row and waits for its user. */
  | { readonly kind: "spent" };

/** What the model reads when a call was refused. */
const REFUSED = "The user has refused this call; the tool was not run.";
/** Share of the context that a prompt fills before older turns are left out of it. */
const PROMPT_SHARE = 0.75;
/** Tokens that are kept for an answer in any case. */
const LEAST_ANSWER = 32;
const NAMES = { messages: "messages", tools: "tools", toolChoice: "tool_choice", format: "format" };

/**
 * Answers the last of `messages` and adds to them what is said, called and found, so that the conversation can go on. The
 * oldest turns are left out of a prompt that would not fit.
 *
 * @throws FirnError `SERVE_MESSAGE_TOO_LONG`: the last message and what followed it do not fit by themselves; the signal's reason
 */
export async function* runAgent(
  messages: ChatMessage[],
  { served, toolbox, sampling, maxTokens, signal, allow }: AgentOptions,
): AsyncGenerator<AgentEvent, void, void> {
  const tools = toolbox.definitions().map((tool) => ({ ...tool.function, strict: false }));
  const asked = { tools, toolChoice: "auto", parallelCalls: true, deliberation: false } as const;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const plan = planAnswer(served, {
      ...asked,
      messages: fit(served, { ...asked, messages }),
      format: { kind: "text" },
      sampling,
      maxTokens,
      topLogprobs: 0,
    });
    let text = "";
    let finishReason: AnswerEnd["finishReason"] = "stop";
    const calls: { name: string; arguments: string }[] = [];
    const scope = { signal, filter: undefined, answered: () => undefined, forwarded: () => undefined };
    for await (const event of writeTurns(plan, scope)) {
      if (event.kind === "text") {
        text += event.text;
        yield { kind: "text", text: event.text };
      } else if (event.kind === "call") calls.push({ name: event.name, arguments: "" });
      else if (event.kind === "arguments") calls[event.call]!.arguments += event.text;
      else if (event.kind === "end") ({ finishReason } = event.end);
    }
    // An answer that was cut in the middle of a call makes none.
    const made = finishReason === "stop" ? calls : [];
    messages.push({ role: "assistant", content: text, ...(made.length === 0 ? {} : { calls: made }) });
    yield { kind: "answered", finishReason };
    if (made.length === 0) return;
    for (const call of made) {
      const result = (await allow(call)) ? await toolbox.call(call.name, call.arguments, signal) : undefined;
      signal.throwIfAborted();
      messages.push({ role: "tool", content: result?.text ?? REFUSED });
      yield { kind: "call", call, result };
    }
  }
  yield { kind: "spent" };
}

function planAnswer(served: ServedModel, conversation: Conversation): GenerationPlan {
  try {
    return planConversation(served, conversation, NAMES, 1);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new FirnError("SERVE_NO_ANSWER", {
      expected: "a conversation and tools that the model's chat format can hold",
      got: error.message,
      next: "Leave the tools away, or use a model whose chat format has them.",
      cause: error,
    });
  }
}

/** The conversation with its oldest turns left out until an answer of some length fits. */
function fit(
  served: ServedModel,
  conversation: Pick<Conversation, "messages" | "tools" | "deliberation">,
): ChatMessage[] {
  const { contextLength } = served.model;
  const most = contextLength - LEAST_ANSWER;
  const system = conversation.messages.filter(({ role }) => role === "system");
  let turns = conversation.messages.filter(({ role }) => role !== "system");
  for (;;) {
    const messages = [...system, ...turns];
    const { length } = renderPrompt(served, { ...conversation, messages });
    const next = turns.findIndex(({ role }, i) => i > 0 && role === "user");
    if (length <= (next === -1 ? most : contextLength * PROMPT_SHARE)) return messages;
    if (next === -1) {
      const tools = conversation.tools.length > 0;
      throw new FirnError("SERVE_MESSAGE_TOO_LONG", {
        expected: `a message${tools ? ", declarations and results of tools" : ""} of at most ${most} tokens with the chat format`,
        got: `${length} tokens`,
        next: tools ? "Ask for less, or offer fewer tools." : "Write a shorter message.",
      });
    }
    turns = turns.slice(next);
  }
}
