/** @file A conversation as the page keeps it: what was said, and how each answer went. */
import type { ChatTurn } from "../api.ts";

export interface Question {
  readonly id: number;
  readonly role: "user";
  readonly text: string;
}

export interface Answer {
  readonly id: number;
  readonly role: "assistant";
  /** Which model spoke. */
  readonly model: string;
  readonly text: string;
  readonly state: "streaming" | "done" | "length" | "stopped" | "failed";
  /** Why it failed, in the server's words. */
  readonly failure?: string;
  readonly tokens?: number;
  readonly tokensPerSecond?: number;
}

export type Entry = Question | Answer;

export interface ChatSettings {
  readonly temperature: number;
  readonly topP: number;
  readonly maxTokens: number;
  readonly system: string;
}

/** Temperature and top-p of the Apertus model card. */
export const DEFAULT_SETTINGS: ChatSettings = { temperature: 0.8, topP: 0.9, maxTokens: 256, system: "" };

/** What the model is sent: the settings' system prompt and everything said so far, failed answers left out. */
export function toTurns(entries: readonly Entry[], system: string): ChatTurn[] {
  const said = entries.filter(
    (entry) => entry.role === "user" || (entry.state !== "failed" && entry.text !== ""),
  );
  return [
    ...(system.trim() === "" ? [] : [{ role: "system" as const, content: system }]),
    ...said.map(({ role, text }) => ({ role, content: text })),
  ];
}

export function nextId(entries: readonly Entry[]): number {
  return (entries.at(-1)?.id ?? 0) + 1;
}

/** Entries up to and including the last question; what an answer is asked for. */
export function upToLastQuestion(entries: readonly Entry[]): readonly Entry[] {
  return entries.slice(0, entries.findLastIndex((entry) => entry.role === "user") + 1);
}

/** An answer that was streaming when the page was closed has been stopped by that. */
export function settle(entries: readonly Entry[]): readonly Entry[] {
  return entries.map((entry) =>
    entry.role === "assistant" && entry.state === "streaming" ? { ...entry, state: "stopped" } : entry,
  );
}

export function isEntries(value: unknown): value is readonly Entry[] {
  return Array.isArray(value) && value.every(isEntry);
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) return false;
  const entry = value as Partial<Answer>;
  const said = typeof entry.id === "number" && typeof entry.text === "string";
  if ((entry.role as string) === "user") return said;
  return (
    said && entry.role === "assistant" && typeof entry.model === "string" && typeof entry.state === "string"
  );
}

export function isSettings(value: unknown): value is ChatSettings {
  if (typeof value !== "object" || value === null) return false;
  const settings = value as Partial<ChatSettings>;
  return (
    [settings.temperature, settings.topP, settings.maxTokens].every(Number.isFinite) &&
    typeof settings.system === "string"
  );
}
