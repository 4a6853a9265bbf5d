/** @file Calls of tools in a conversation: which wait for the reader, and what is told to the model about them. */
import { words } from "../words.ts";
import { type Conversation, type Detail, type Message, newId } from "./conversation.ts";

export type ToolCall = NonNullable<Detail["toolCalls"]>[number];

export interface WaitingCalls {
  /** The answer that makes the calls. */
  readonly answer: string;
  /** Those that have no result yet, in the answer's order. */
  readonly calls: readonly ToolCall[];
}

/** The calls at the end of what is shown that nobody has decided about; an answer that was cut makes none. */
export function waitingCalls(conversation: Conversation): WaitingCalls | undefined {
  const answered = new Set<string | undefined>();
  for (const id of conversation.path.toReversed()) {
    const { role, detail } = conversation.message(id);
    if (role === "tool") answered.add(detail.toolCallId);
    else {
      const { toolCalls = [], state } = detail;
      const calls = toolCalls.filter((call) => !answered.has(call.id));
      return role === "assistant" && state === "done" && calls.length > 0 ? { answer: id, calls } : undefined;
    }
  }
  return undefined;
}

/** How many answers since the last question have called tools. */
export function roundsOf(conversation: Conversation): number {
  const { path } = conversation;
  const asked = path.findLastIndex((id) => conversation.message(id).role === "user");
  return path.slice(asked + 1).filter((id) => (conversation.message(id).detail.toolCalls ?? []).length > 0)
    .length;
}

/** What a call led to, after `parent`. */
export function resultMessage(parent: string | null, content: string, detail: Detail): Message {
  return { id: newId(), parent, role: "tool", content, detail, feedback: null };
}

export function refusalMessage(parent: string | null, call: ToolCall): Message {
  return resultMessage(parent, words.chat.tools.refusal, { toolCallId: call.id, refused: true });
}
