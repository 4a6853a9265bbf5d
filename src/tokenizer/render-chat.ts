/**
 * @file Conversations to tokens. Role markers are put in by id and everything people wrote is encoded as plain
 * text, so that nobody can forge a turn; which tokens the assistant produced is known, not searched for.
 */
import { FirnError } from "../core/index.ts";
import type {
  AssistantBlock,
  AssistantMessage,
  ChatMessage,
  ChatOptions,
  ToolCall,
} from "./chat-messages.ts";
import { declareTools } from "./chat-tools.ts";
import { TokenList } from "./encode.ts";
import type { Tokenizer } from "./tokenizer.ts";

export interface RenderedChat {
  readonly ids: number[];
  /** What the chat template renders; the names of special tokens in people's text look the same in it. */
  readonly text: string;
  /** For each id: 1 when the assistant produced it (`<|assistant_end|>` included), else 0. */
  readonly assistantMask: Uint8Array;
}

/** A stretch of the conversation: a special token, or text. */
interface Part {
  readonly special?: string;
  readonly text: string;
  /** Produced by the assistant. */
  readonly own: boolean;
}

function refuse(got: string, expected: string, index: number): never {
  throw new FirnError("TOKENIZER_CHAT", {
    expected,
    got,
    where: `messages[${index}]`,
    next: "Repair the conversation; the format is described in swiss-ai/apertus_format, docs/format.md.",
  });
}

function callsText(calls: readonly ToolCall[]): string {
  return `[${calls.map((call) => `{"${call.name}": ${call.arguments}}`).join(", ")}]`;
}

/** Walks through a conversation as the chat template does. */
class ChatWriter {
  readonly parts: Part[] = [];
  #open = false;
  #inner = false;
  #outputs = false;
  #shape: "text" | "blocks" | undefined;

  special(name: string, own = false): void {
    this.parts.push({ special: name, text: name, own });
  }

  text(text: string, own = false): void {
    if (text !== "") this.parts.push({ text, own });
  }

  message(message: ChatMessage, index: number): void {
    switch (message.role) {
      case "system":
        return refuse("a system message", "the system message to come first", index);
      case "user":
        return this.#user(message.content);
      case "tool":
        if (!this.#open) refuse("a tool message", "tool messages inside an assistant turn only", index);
        this.text((this.#outputs ? ", " : "[") + message.content);
        this.#outputs = true;
        return;
      case "assistant":
        return this.#assistant(message, index);
      default:
        refuse(`the role ${JSON.stringify((message as { role: unknown }).role)}`, "a known role", index);
    }
  }

  end(options: ChatOptions): void {
    this.#closeOutputs();
    if (options.addGenerationPrompt === true) {
      if (!this.#open) this.special("<|assistant_start|>");
    } else if (this.#open && options.close !== false) {
      this.special("<|assistant_end|>", true);
    }
  }

  #user(content: Extract<ChatMessage, { role: "user" }>["content"]): void {
    this.#closeOutputs();
    if (this.#open) this.special("<|assistant_end|>", true);
    this.#open = false;
    this.#inner = false;
    this.special("<|user_start|>");
    this.text(typeof content === "string" ? content : content.parts.map(({ text }) => text).join(""));
    this.special("<|user_end|>");
  }

  #assistant(message: AssistantMessage, index: number): void {
    if (!this.#open) this.special("<|assistant_start|>");
    this.#open = true;
    const content = message.content ?? undefined;
    if (content !== undefined) {
      const shape = typeof content === "string" ? "text" : "blocks";
      this.#shape ??= shape;
      if (this.#shape !== shape) refuse(shape, "assistant messages to be all text or all blocks", index);
      if (typeof content === "string") {
        this.#closeOutputs();
        this.text(content, true);
      } else {
        for (const [i, block] of content.blocks.entries()) this.#block(block, i === 0, index);
      }
    }
    const calls = message.tool_calls ?? [];
    if (calls.length > 0) this.#calls(calls.map((call) => call.function));
  }

  #block(block: AssistantBlock, first: boolean, index: number): void {
    if (block.type === "tool_outputs") {
      if (this.#outputs) refuse("both", "tool outputs as messages or as blocks", index);
      this.text(`[${block.outputs.map(({ output }) => output).join(", ")}]`);
      return;
    }
    this.#closeOutputs();
    switch (block.type) {
      case "thoughts":
        if (!this.#inner) this.special("<|inner_prefix|>", true);
        this.#inner = true;
        this.text(block.text, true);
        return;
      case "tool_calls":
        // Apertus marks its final, checkable answer by a call of this name; it ends the private part.
        if (this.#inner && !first && block.calls.length === 1 && block.calls[0]!.name === "display_answers") {
          this.#leaveInner();
        }
        this.#calls(block.calls);
        return;
      case "response":
        this.#leaveInner();
        this.text(block.text, true);
        return;
      default:
        refuse(
          `the block ${JSON.stringify((block as { type: unknown }).type)}`,
          "a known assistant block",
          index,
        );
    }
  }

  #calls(calls: readonly ToolCall[]): void {
    this.special("<|tools_prefix|>", true);
    this.text(callsText(calls), true);
    this.special("<|tools_suffix|>", true);
  }

  #leaveInner(): void {
    if (this.#inner) this.special("<|inner_suffix|>", true);
    this.#inner = false;
  }

  #closeOutputs(): void {
    if (this.#outputs) this.text("]");
    this.#outputs = false;
  }
}

function partsOf(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  options: ChatOptions,
): readonly Part[] {
  const writer = new ChatWriter();
  const first = messages[0];
  let system = tokenizer.systemText;
  if (first?.role === "system")
    system = typeof first.content === "string" ? first.content : first.content.text;
  writer.special("<s>");
  writer.special("<|system_start|>");
  writer.text(system);
  writer.special("<|system_end|>");
  writer.special("<|developer_start|>");
  const tools = options.tools ?? [];
  const capabilities = tools.length === 0 ? " disabled" : `\n${declareTools(tools)}`;
  writer.text(
    `Deliberation: ${options.deliberation === true ? "enabled" : "disabled"}\nTool Capabilities:${capabilities}`,
  );
  writer.special("<|developer_end|>");
  for (const [index, message] of messages.entries()) {
    if (index > 0 || message.role !== "system") writer.message(message, index);
  }
  writer.end(options);
  return writer.parts;
}

/**
 * Renders a conversation. Text between two special tokens is encoded as one, as the rendered text would be; a
 * token with bytes both of the assistant and of others counts as not produced by the assistant.
 *
 * @throws FirnError `TOKENIZER_CHAT` (messages that the format does not allow), `TOKENIZER_NO_TOKEN` (a tokenizer
 *   without chat tokens)
 */
export function renderChat(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  options: ChatOptions = {},
): RenderedChat {
  const parts = partsOf(tokenizer, messages, options);
  const list = new TokenList();
  const mask: number[] = [];
  for (let i = 0; i < parts.length; ) {
    const part = parts[i]!;
    if (part.special !== undefined) {
      list.push(tokenizer.idOf(part.special));
      mask.push(part.own ? 1 : 0);
      i += 1;
      continue;
    }
    let after = i;
    while (after < parts.length && parts[after]!.special === undefined) after += 1;
    encodeStretch(tokenizer, parts.slice(i, after), list, mask);
    i = after;
  }
  return {
    ids: Array.from(list.ids.subarray(0, list.length)),
    text: parts.map(({ text }) => text).join(""),
    assistantMask: Uint8Array.from(mask),
  };
}

function encodeStretch(tokenizer: Tokenizer, parts: readonly Part[], list: TokenList, mask: number[]): void {
  const utf8 = new TextEncoder();
  const ids = tokenizer.encodeArray(parts.map(({ text }) => text).join(""));
  let part = 0;
  let left = utf8.encode(parts[0]!.text).length;
  for (const id of ids) {
    list.push(id);
    let own = 1;
    for (let bytes = tokenizer.tokenBytes(id).length; bytes > 0; ) {
      // A tokenizer that normalises may give more bytes than it got; they belong to the last part.
      while (left === 0) left = ++part < parts.length ? utf8.encode(parts[part]!.text).length : bytes;
      part = Math.min(part, parts.length - 1);
      if (!parts[part]!.own) own = 0;
      const taken = Math.min(bytes, left);
      bytes -= taken;
      left -= taken;
    }
    mask.push(own);
  }
}
