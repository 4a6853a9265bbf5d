/**
 * @file The messages of Apertus' chat format (swiss-ai/apertus_format, `docs/format.md`; technical report §4.1):
 * plain text as everywhere, or assistant turns made of blocks.
 */

export interface ToolCall {
  readonly name: string;
  /** JSON text, written as it is. */
  readonly arguments: string;
}

export type AssistantBlock =
  /** Private reasoning. */
  | { readonly type: "thoughts"; readonly text: string }
  | { readonly type: "tool_calls"; readonly calls: readonly ToolCall[] }
  | { readonly type: "tool_outputs"; readonly outputs: readonly { readonly output: string }[] }
  /** What the user sees. */
  | { readonly type: "response"; readonly text: string };

/** A tool call as OpenAI's interface spells it. */
export interface FunctionCall {
  readonly type: "function";
  readonly function: ToolCall;
}

export interface SystemMessage {
  readonly role: "system";
  readonly content: string | { readonly text: string };
}

export interface UserMessage {
  readonly role: "user";
  readonly content: string | { readonly parts: readonly { readonly type: "text"; readonly text: string }[] };
}

export interface AssistantMessage {
  readonly role: "assistant";
  /** All assistant messages of a conversation are text, or all are blocks. */
  readonly content?: string | null | { readonly blocks: readonly AssistantBlock[] };
  readonly tool_calls?: readonly FunctionCall[];
}

/** What a tool returned; belongs to the open assistant turn. */
export interface ToolMessage {
  readonly role: "tool";
  readonly content: string;
}

export type ChatMessage = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

/** The part of JSON Schema that a tool's parameters may use. */
export interface ToolSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly items?: ToolSchema;
  readonly properties?: Readonly<Record<string, ToolSchema>>;
  readonly required?: readonly string[];
  readonly nullable?: boolean;
  readonly oneOf?: readonly ToolSchema[];
  readonly default?: unknown;
}

export interface ChatTool {
  readonly name: string;
  readonly description?: string;
  readonly parameters?: ToolSchema;
}

export interface ChatOptions {
  /** End with an open assistant turn for the model to go on. Default: false. */
  readonly addGenerationPrompt?: boolean;
  /**
   * Close an assistant turn that is still open at the end. Default: true unless `addGenerationPrompt`. Training
   * needs it closed (the model learns to stop); to let the model continue a given answer, pass false.
   */
  readonly close?: boolean;
  /** Ask for private reasoning before the answer. Default: false. */
  readonly deliberation?: boolean;
  /** Tools the model may call; an empty list is none. */
  readonly tools?: readonly ChatTool[];
}
