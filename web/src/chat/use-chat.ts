/** @file The conversation's state and what can be done with it: ask, stop, ask again, start anew. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiFailure, type ModelInfo, streamChat } from "../api.ts";
import { useStored } from "../storage.ts";
import { words } from "../words.ts";
import {
  type Answer,
  type ChatSettings,
  DEFAULT_SETTINGS,
  type Entry,
  isEntries,
  isSettings,
  nextId,
  settle,
  toTurns,
  upToLastQuestion,
} from "./conversation.ts";

export interface Chat {
  readonly entries: readonly Entry[];
  /** An answer is streaming in. */
  readonly busy: boolean;
  readonly settings: ChatSettings;
  readonly setSettings: (settings: ChatSettings) => void;
  readonly send: (text: string) => void;
  /** Asks for another answer to the last question. */
  readonly regenerate: () => void;
  readonly stop: () => void;
  readonly clear: () => void;
}

export function useChat(model: ModelInfo): Chat {
  const [entries, setEntries] = useStored("firn.chat.1", [] as readonly Entry[], isEntries);
  const [settings, setSettings] = useStored("firn.settings.1", DEFAULT_SETTINGS, isSettings);
  const [busy, setBusy] = useState(false);
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => setEntries(settle), []);

  const ask = (history: readonly Entry[]): void => {
    const controller = new AbortController();
    running.current?.abort();
    running.current = controller;
    setBusy(true);
    const start: Answer = {
      id: nextId(history),
      role: "assistant",
      model: model.id,
      text: "",
      state: "streaming",
    };
    setEntries([...history, start]);
    const update = (answer: Answer): void =>
      setEntries((now) => now.map((entry) => (entry.id === answer.id ? answer : entry)));
    void runAnswer(start, history, settings, controller.signal, update).then((answer) => {
      if (running.current !== controller) return;
      running.current = undefined;
      update(answer);
      setBusy(false);
    });
  };

  return {
    entries,
    busy,
    settings,
    setSettings,
    send: (text) => ask([...entries, { id: nextId(entries), role: "user", text }]),
    regenerate: () => ask(upToLastQuestion(entries)),
    stop: () => running.current?.abort(),
    clear: () => {
      running.current?.abort();
      running.current = undefined;
      setBusy(false);
      setEntries([]);
    },
  };
}

/** Streams one answer, showing it at most once per frame, and resolves to how it ended; never rejects. */
async function runAnswer(
  start: Answer,
  history: readonly Entry[],
  settings: ChatSettings,
  signal: AbortSignal,
  update: (answer: Answer) => void,
): Promise<Answer> {
  let text = "";
  let frame = 0;
  const show = (): void => update({ ...start, text });
  try {
    const end = await streamChat(
      start.model,
      toTurns(history, settings.system),
      settings,
      signal,
      (piece) => {
        text += piece;
        cancelAnimationFrame(frame);
        frame = requestAnimationFrame(show);
      },
    );
    return {
      ...start,
      text,
      state: end.finishReason === "length" ? "length" : "done",
      ...(end.completionTokens === undefined ? {} : { tokens: end.completionTokens }),
      ...(end.tokensPerSecond === undefined ? {} : { tokensPerSecond: end.tokensPerSecond }),
    };
  } catch (error) {
    if (signal.aborted) return { ...start, text, state: "stopped" };
    return { ...start, text, state: "failed", failure: explain(error) };
  } finally {
    cancelAnimationFrame(frame);
  }
}

function explain(error: unknown): string {
  if (!(error instanceof ApiFailure)) return words.noServer;
  return error.code === "context_length_exceeded"
    ? `${error.message} ${words.chat.startAnew}`
    : error.message;
}
