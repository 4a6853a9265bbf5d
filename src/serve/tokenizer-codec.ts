/** @file A tokenizer of Firn's, with the chat format of Apertus, as the service needs it. */
import { renderChat, type Tokenizer } from "../tokenizer/index.ts";
import type { ChatCodec, ChatMessage } from "./chat-codec.ts";

/** What ends an answer; `<|tools_suffix|>` because after a tool call it is somebody else's turn. */
const STOP_NAMES = ["</s>", "<|assistant_end|>", "<|tools_suffix|>"] as const;

export function tokenizerCodec(tokenizer: Tokenizer): ChatCodec {
  // A model's vocabulary may be padded beyond its tokenizer's; such ids have no text.
  const known = (id: number): boolean => id < tokenizer.vocabSize;
  return {
    startId: tokenizer.has("<s>") ? tokenizer.bosId : undefined,
    stopIds: STOP_NAMES.filter((name) => tokenizer.has(name)).map((name) => tokenizer.idOf(name)),
    encode: (text) => tokenizer.encode(text),
    renderChat: (messages) =>
      renderChat(tokenizer, joinInstructions(messages), { addGenerationPrompt: true }).ids,
    tokenBytes: (id) => (known(id) && !tokenizer.isSpecial(id) ? tokenizer.tokenBytes(id) : undefined),
    tokenText: (id) => (known(id) ? tokenizer.tokenText(id) : `<unused ${id}>`),
  };
}

/**
 * Apertus' format has one system message, at the start; its developer block declares tools. Instructions that OpenAI's
 * clients send as `developer` or as several `system` messages are therefore joined into that one.
 */
function joinInstructions(messages: readonly ChatMessage[]): Parameters<typeof renderChat>[1] {
  const isTurn = ({ role }: ChatMessage): boolean => role === "user" || role === "assistant";
  const firstTurn = messages.findIndex(isTurn);
  const start = firstTurn === -1 ? messages.length : firstTurn;
  const instructions = messages.slice(0, start).map(({ content }) => content);
  const turns = messages.slice(start).map(({ role, content }) => {
    return { role: role === "developer" ? ("system" as const) : role, content };
  });
  if (instructions.length === 0) return turns;
  return [{ role: "system", content: instructions.join("\n\n") }, ...turns];
}
