/** @file Conversations as training documents: token ids, and which of them the assistant has to learn. */
import type { Conversation } from "../artifacts/index.ts";
import { type ChatOptions, renderChat, type Tokenizer } from "../tokenizer/index.ts";
import type { TokenDocuments } from "../train/index.ts";

/**
 * Every conversation in the chat format, closed with `<|assistant_end|>`, one document each. Learnable are the
 * assistant's tokens only, its closing token included; the mask comes from the renderer, so nothing that a user's
 * message says can be taken for an answer.
 */
export function encodeConversations(
  tokenizer: Tokenizer,
  conversations: readonly Conversation[],
  options: ChatOptions = {},
): TokenDocuments {
  const ids: number[] = [];
  const learnable: number[] = [];
  const offsets = [0];
  for (const conversation of conversations) {
    const rendered = renderChat(tokenizer, conversation.messages, options);
    for (const id of rendered.ids) ids.push(id);
    for (const own of rendered.assistantMask) learnable.push(own);
    offsets.push(ids.length);
  }
  return {
    ids: Int32Array.from(ids),
    offsets,
    names: conversations.map(({ id }) => id),
    learnable: Uint8Array.from(learnable),
  };
}
