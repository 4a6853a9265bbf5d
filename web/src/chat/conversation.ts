/**
 * @file A conversation as a tree: an edited question and an answer asked for again are branches, and the way from the
 * root to `leaf` is what the reader sees and the model is sent.
 */
import type { Feedback, MessageDetail, StoredMessage } from "../../../src/serve/index.ts";
import type { ChatTurn } from "../api.ts";
import type { SavedConversation } from "./conversations-api.ts";

export interface Detail extends Omit<MessageDetail, "state"> {
  readonly state?: MessageDetail["state"] | "streaming";
}

export interface Message extends Omit<StoredMessage, "detail"> {
  readonly detail: Detail;
  readonly feedback: Feedback | null;
}

export interface ChatSettings {
  readonly temperature: number;
  readonly topP: number;
  /** 0 keeps all. */
  readonly topK: number;
  readonly maxTokens: number;
}

/** Temperature and top-p of the Apertus model card. */
export const DEFAULT_SETTINGS: ChatSettings = { temperature: 0.8, topP: 0.9, topK: 0, maxTokens: 256 };

const LONGEST_TITLE = 60;

/** Twelve random bytes; `crypto.randomUUID` exists on secure pages only. */
export function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** Changed in place: ten thousand messages are not copied for every piece of an answer. */
export class Conversation {
  readonly id: string;
  title: string;
  system: string;
  #leaf: string | null = null;
  readonly #messages = new Map<string, Message>();
  readonly #children = new Map<string | null, string[]>();
  #path: readonly string[] | undefined = [];

  constructor(id: string, title = "", system = "") {
    this.id = id;
    this.title = title;
    this.system = system;
  }

  static fromServer({ conversation, messages }: SavedConversation): Conversation {
    const made = new Conversation(conversation.id, conversation.title, conversation.system);
    for (const message of messages) made.put(message);
    if (conversation.leaf !== null && made.#messages.has(conversation.leaf)) made.#setLeaf(conversation.leaf);
    return made;
  }

  /** Takes in the whole of a conversation of which so far only the end was known; what was said since stays. */
  complete({ messages }: SavedConversation): void {
    const [here, leaf] = [[...this.#messages.values()], this.#leaf];
    this.#messages.clear();
    this.#children.clear();
    for (const message of [...messages, ...here]) this.put(message);
    this.#setLeaf(leaf);
  }

  get leaf(): string | null {
    return this.#leaf;
  }

  get size(): number {
    return this.#messages.size;
  }

  message(id: string): Message {
    return this.#messages.get(id)!;
  }

  has(id: string): boolean {
    return this.#messages.has(id);
  }

  /** Adds a message, which becomes the leaf, or replaces the one with its id. */
  put(message: Message): void {
    const known = this.#messages.has(message.id);
    this.#messages.set(message.id, message);
    if (known) return;
    const siblings = this.#children.get(message.parent);
    if (siblings === undefined) this.#children.set(message.parent, [message.id]);
    else siblings.push(message.id);
    this.#setLeaf(message.id);
  }

  #setLeaf(leaf: string | null): void {
    this.#leaf = leaf;
    this.#path = undefined;
  }

  /** Ids from the first message to the leaf. */
  get path(): readonly string[] {
    if (this.#path !== undefined) return this.#path;
    const path: string[] = [];
    // Of a conversation that is still being read, the first messages are missing.
    for (let at = this.#leaf; at !== null && this.has(at); at = this.message(at).parent) path.push(at);
    this.#path = path.reverse();
    return this.#path;
  }

  /** Every version of a message, itself included, oldest first. */
  siblings(id: string): readonly string[] {
    return this.#children.get(this.message(id).parent) ?? [];
  }

  /** Shows the branch through `id`, down to its latest message. */
  show(id: string): void {
    let leaf = id;
    for (let next = this.#children.get(leaf); next !== undefined; next = this.#children.get(leaf)) {
      leaf = next.at(-1)!;
    }
    this.#setLeaf(leaf);
  }

  /** What the model is sent: system prompt and everything up to `id`, failed answers left out. */
  turnsTo(id: string): ChatTurn[] {
    const turns: ChatTurn[] = [];
    for (let at: string | null = id; at !== null; at = this.message(at).parent) {
      const message = this.message(at);
      const { toolCalls = [] } = message.detail;
      const empty = message.content === "" && (toolCalls.length === 0 || message.detail.state === "length");
      if (message.role === "assistant" && (message.detail.state === "failed" || empty)) continue;
      turns.push(toTurn(message));
    }
    if (this.system.trim() !== "") turns.push({ role: "system", content: this.system });
    return turns.reverse();
  }
}

function toTurn({ role, content, detail }: Message): ChatTurn {
  if (role === "tool") return { role, content, tool_call_id: detail.toolCallId ?? "" };
  if (role === "user") return { role, content: withFiles(content, detail.files ?? []) };
  const { toolCalls = [], state = "done" } = detail;
  // Calls of an answer that was cut may be half a call, and have no results.
  if (toolCalls.length === 0 || state !== "done") return { role, content };
  const calls = toolCalls.map(({ id, name, arguments: text }) => {
    return { id, type: "function" as const, function: { name, arguments: text } };
  });
  return { role, content, tool_calls: calls };
}

/** Files stand before the question, each under its name. */
export function withFiles(
  text: string,
  files: readonly { readonly name: string; readonly text: string }[],
): string {
  return [...files.map((file) => `${file.name}:\n\n${file.text}`), text]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** The first words of the first question. */
export function titleOf(question: string): string {
  const line = question.trim().replace(/\s+/g, " ");
  if (line.length <= LONGEST_TITLE) return line;
  const whole = line.slice(0, LONGEST_TITLE).replace(/\s\S*$|[\uD800-\uDBFF]$/, "");
  return `${whole} …`;
}

export function isSettings(value: unknown): value is ChatSettings {
  if (typeof value !== "object" || value === null) return false;
  const settings = value as Partial<ChatSettings>;
  return [settings.temperature, settings.topP, settings.topK, settings.maxTokens].every(Number.isFinite);
}
