/** @file The page's side of `/api/conversations`. */
import type {
  ConversationEntry,
  ConversationInfo,
  Feedback,
  MessageDetail,
  StoredMessage,
} from "../../../src/serve/index.ts";
import { send } from "../api.ts";

export interface SavedMessage extends StoredMessage {
  readonly detail: MessageDetail;
  readonly feedback: Feedback | null;
}

export interface SavedConversation {
  readonly conversation: ConversationInfo;
  readonly messages: readonly SavedMessage[];
}

const at = (id: string): string => `api/conversations/${id}`;

function put(path: string, body: object, keepalive = false): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return send(path, { method: "PUT", headers, body: JSON.stringify(body), keepalive });
}

export async function listConversations(query: string, signal: AbortSignal): Promise<ConversationEntry[]> {
  const response = await send(`api/conversations?query=${encodeURIComponent(query)}`, { signal });
  return ((await response.json()) as { readonly conversations: ConversationEntry[] }).conversations;
}

/** The whole conversation, or the `last` messages of the branch that is shown. */
export async function readConversation(id: string, last?: number): Promise<SavedConversation> {
  const query = last === undefined ? "" : `?last=${last}`;
  return (await (await send(`${at(id)}${query}`, {})).json()) as SavedConversation;
}

/** Takes in an exported conversation, as JSON text; returns its new id. */
export async function importConversation(json: string): Promise<string> {
  const headers = { "Content-Type": "application/json" };
  const response = await send("api/conversations", { method: "POST", headers, body: json });
  return ((await response.json()) as { readonly id: string }).id;
}

export async function saveConversation(
  id: string,
  change: { readonly title?: string; readonly system?: string; readonly leaf?: string },
): Promise<void> {
  await put(at(id), change);
}

/** With `keepalive` the request outlives the page, as long as the message is short (64 KiB). */
export async function saveMessage(
  conversation: string,
  message: StoredMessage,
  keepalive = false,
): Promise<void> {
  const { id, ...rest } = message;
  await put(`${at(conversation)}/messages/${id}`, rest, keepalive);
}

export async function saveFeedback(
  conversation: string,
  message: string,
  feedback: Feedback | undefined,
): Promise<void> {
  const path = `${at(conversation)}/messages/${message}/feedback`;
  if (feedback === undefined) await send(path, { method: "DELETE" });
  else await put(path, { ...feedback, consent: true });
}

export async function deleteConversation(id: string): Promise<void> {
  await send(at(id), { method: "DELETE" });
}

export async function deleteAllConversations(): Promise<void> {
  await send("api/conversations", { method: "DELETE" });
}
