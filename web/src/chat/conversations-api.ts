/** @file The page's side of `/api/conversations`. */
import type {
  ConversationEntry,
  ConversationInfo,
  Feedback,
  MessageDetail,
  StoredMessage,
} from "../../../src/serve/index.ts";
import { fetchHere, fetchJson, jsonRequest } from "../fetch-here.ts";

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
  return fetchHere(path, jsonRequest("PUT", body, { keepalive }));
}

export async function listConversations(query: string, signal: AbortSignal): Promise<ConversationEntry[]> {
  const path = `api/conversations?query=${encodeURIComponent(query)}`;
  return (await fetchJson<{ readonly conversations: ConversationEntry[] }>(path, { signal })).conversations;
}

/** The whole conversation, or the `last` messages of the branch that is shown. */
export async function readConversation(id: string, last?: number): Promise<SavedConversation> {
  const query = last === undefined ? "" : `?last=${last}`;
  return fetchJson<SavedConversation>(`${at(id)}${query}`);
}

/** Takes in an exported conversation, as JSON text; returns its new id. */
export async function importConversation(json: string): Promise<string> {
  const headers = { "Content-Type": "application/json" };
  const init = { method: "POST", headers, body: json };
  return (await fetchJson<{ readonly id: string }>("api/conversations", init)).id;
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
  if (feedback === undefined) await fetchHere(path, { method: "DELETE" });
  else await put(path, { ...feedback, consent: true });
}

export async function deleteConversation(id: string): Promise<void> {
  await fetchHere(at(id), { method: "DELETE" });
}

export async function deleteAllConversations(): Promise<void> {
  await fetchHere("api/conversations", { method: "DELETE" });
}
