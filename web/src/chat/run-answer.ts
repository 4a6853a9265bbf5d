/** @file One answer from its first token to how it ended. */
import { type ChatPiece, type ChatTurn, streamChat } from "../api.ts";
import { ApiFailure } from "../fetch-here.ts";
import { words } from "../words.ts";
import type { ChatSettings, Detail, Message } from "./conversation.ts";

type ToolCall = NonNullable<Detail["toolCalls"]>[number];

/** Streams one answer, showing it at most once per frame, and resolves to how it ended; never rejects. */
export async function runAnswer(
  start: Message,
  turns: readonly ChatTurn[],
  settings: ChatSettings,
  signal: AbortSignal,
  update: (answer: Message) => void,
): Promise<Message> {
  const began = performance.now();
  let firstTokenMs: number | undefined;
  let content = "";
  const calls: ToolCall[] = [];
  let frame = 0;
  const soFar = (detail: Detail): Message => ({
    ...start,
    content,
    detail: {
      ...start.detail,
      ...(calls.length === 0 ? {} : { toolCalls: [...calls] }),
      ...(firstTokenMs === undefined ? {} : { firstTokenMs }),
      ...detail,
    },
  });
  const take = (piece: ChatPiece): void => {
    firstTokenMs ??= Math.round(performance.now() - began);
    content += piece.text;
    for (const part of piece.toolCalls) {
      const call = calls[part.index] ?? { id: "", name: "", arguments: "" };
      calls[part.index] = {
        id: part.id ?? call.id,
        name: part.function?.name ?? call.name,
        arguments: call.arguments + (part.function?.arguments ?? ""),
      };
    }
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => update(soFar({})));
  };
  try {
    const end = await streamChat(start.detail.model ?? "", turns, settings, signal, take);
    return soFar({
      state: end.finishReason === "length" ? "length" : "done",
      milliseconds: Math.round(performance.now() - began),
      ...(end.promptTokens === undefined ? {} : { promptTokens: end.promptTokens }),
      ...(end.completionTokens === undefined ? {} : { tokens: end.completionTokens }),
      ...(end.tokensPerSecond === undefined ? {} : { tokensPerSecond: end.tokensPerSecond }),
    });
  } catch (error) {
    if (signal.aborted) return soFar({ state: "stopped" });
    return soFar({ state: "failed", failure: explain(error) });
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
