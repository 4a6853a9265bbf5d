/** @file `firn/align`: from a base model to one that answers: conversations and supervised fine-tuning. */
export * from "./conversations.ts";
export { encodeConversations } from "./encode-conversations.ts";
export * from "./exchanges.ts";
