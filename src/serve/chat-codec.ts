/**
 * @file What the service needs to know about a model's text: how words become token ids and back. The service
 * sees only this interface, so that a tokenizer of ours, one inside a GGUF file or a remote one fit alike.
 */
import type { ChatTool } from "../tokenizer/index.ts";

/** A tool call that stands in a conversation. */
export interface SpokenCall {
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

/** One turn of a conversation, as a model's chat format knows it. */
export interface ChatMessage {
  readonly role: "system" | "developer" | "user" | "assistant" | "tool";
  readonly content: string;
  /** What the assistant called after `content`. */
  readonly calls?: readonly SpokenCall[];
}

export interface RenderOptions {
  readonly tools: readonly ChatTool[];
  /** Ask for thoughts before the answer. */
  readonly deliberation: boolean;
}

/** The tokens between which something else than the answer's text stands. */
export interface Marks {
  readonly open: number;
  readonly close: number;
}

export interface ChatCodec {
  /** The token that opens every document the model was trained on, if there is one (`<s>`). */
  readonly startId: number | undefined;
  /** Tokens that end an answer (end of text, end of the assistant's turn, end of its tool calls). */
  readonly stopIds: readonly number[];
  /** Around tool calls, `[{"name": {…}}, …]`; undefined for a format without tools. */
  readonly callMarks: Marks | undefined;
  /** Around the model's thoughts; undefined for a format without them. */
  readonly thoughtMarks: Marks | undefined;
  /** Ids of plain text. A special token's name inside `text` is text, never that token. */
  encode(text: string): number[];
  /** Ids of the whole conversation, ending where the assistant's next answer begins. */
  renderChat(messages: readonly ChatMessage[], options?: RenderOptions): number[];
  /** The bytes a token stands for; `undefined` for special tokens, which are not text. */
  tokenBytes(id: number): Uint8Array | undefined;
  /** The name of a special token (`<|assistant_end|>`); the text of any other, with U+FFFD for broken UTF-8. */
  tokenText(id: number): string;
}
