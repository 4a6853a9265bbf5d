/** @file A tokenizer of Firn's, with the chat format of Apertus, as the service needs it. */
import { type ChatMessage as FormatMessage, renderChat, type Tokenizer } from "../tokenizer/index.ts";
import type { ChatCodec, ChatMessage, Marks } from "./chat-codec.ts";

/** What ends an answer; `<|tools_suffix|>` because after a tool call it is somebody else's turn. */
const STOP_NAMES = ["</s>", "<|assistant_end|>", "<|tools_suffix|>"] as const;

export function tokenizerCodec(tokenizer: Tokenizer): ChatCodec {
  // A model's vocabulary may be padded beyond its tokenizer's; such ids have no text.
  const known = (id: number): boolean => id < tokenizer.vocabSize;
  const marks = (open: string, close: string): Marks | undefined =>
    tokenizer.has(open) && tokenizer.has(close)
      ? { open: tokenizer.idOf(open), close: tokenizer.idOf(close) }
      : undefined;
  return {
    startId: tokenizer.has("<s>") ? tokenizer.bosId : undefined,
    stopIds: STOP_NAMES.filter((name) => tokenizer.has(name)).map((name) => tokenizer.idOf(name)),
    callMarks: marks("<|tools_prefix|>", "<|tools_suffix|>"),
    thoughtMarks: marks("<|inner_prefix|>", "<|inner_suffix|>"),
    encode: (text) => tokenizer.encode(text),
    renderChat: (messages, options) =>
      renderChat(tokenizer, formatMessages(messages), { ...options, addGenerationPrompt: true }).ids,
    tokenBytes: (id) => (known(id) && !tokenizer.isSpecial(id) ? tokenizer.tokenBytes(id) : undefined),
    tokenText: (id) => (known(id) ? tokenizer.tokenText(id) : `<unused ${id}>`),
  };
}

/**
 * Apertus' format has one system message, at the start; its developer block declares tools. Instructions that OpenAI's
 * clients send as `developer` or as several `system` messages are therefore joined into that one.
 */
function formatMessages(messages: readonly ChatMessage[]): FormatMessage[] {
  const isInstruction = ({ role }: ChatMessage): boolean => role === "system" || role === "developer";
  const firstTurn = messages.findIndex((message) => !isInstruction(message));
  const start = firstTurn === -1 ? messages.length : firstTurn;
  const instructions = messages.slice(0, start).map(({ content }) => content);
  const turns = messages.slice(start).map(formatMessage);
  if (instructions.length === 0) return turns;
  return [{ role: "system", content: instructions.join("\n\n") }, ...turns];
}

function formatMessage({ role, content, calls }: ChatMessage): FormatMessage {
  if (role === "developer") return { role: "system", content };
  if (role !== "assistant" || calls === undefined) return { role, content };
  return {
    role,
    content,
    tool_calls: calls.map((call) => ({ type: "function", function: call })),
  };
}
