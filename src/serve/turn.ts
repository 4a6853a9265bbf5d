/** @file An assistant's turn as it is written: text, thoughts and tool calls, before an API gives them its shape. */
import type { AnswerEnd, AnswerToken } from "./answer.ts";
import { type CallEvent, CallReader } from "./call-reader.ts";
import { type GenerationPlan, generateChoices } from "./generation.ts";
import type { WorkScope } from "./service.ts";

export type TurnEvent = { readonly index: number } & (
  | { readonly kind: "start" }
  | { readonly kind: "text"; readonly text: string; readonly tokens: readonly AnswerToken[] }
  | { readonly kind: "thought"; readonly text: string }
  | CallEvent
  /** `calls`: how many tools were called. */
  | { readonly kind: "end"; readonly end: AnswerEnd; readonly calls: number }
);

/** The turns of `plan`, one after the other. */
export async function* writeTurns(
  plan: GenerationPlan,
  scope: WorkScope,
): AsyncGenerator<TurnEvent, void, void> {
  let reader = new CallReader();
  for await (const event of generateChoices(plan, scope)) {
    const { index } = event;
    if (event.kind === "start") {
      reader = new CallReader();
      yield { kind: "start", index };
    } else if (event.kind === "end") {
      yield { kind: "end", index, end: event.end, calls: reader.count };
    } else {
      const { channel, text, tokens } = event.piece;
      if (channel === "text") yield { kind: "text", index, text, tokens };
      else if (channel === "thoughts") {
        if (text !== "") yield { kind: "thought", index, text };
      } else for (const call of reader.push(text)) yield { index, ...call };
    }
  }
}

/** A whole turn. */
export interface Turn {
  readonly text: string;
  readonly tokens: readonly AnswerToken[];
  readonly thoughts: string;
  readonly calls: readonly { readonly key: string; readonly name: string; readonly arguments: string }[];
  readonly end: AnswerEnd;
}

/** The turns of `plan`, each once it is finished. */
export async function* wholeTurns(
  plan: GenerationPlan,
  scope: WorkScope,
): AsyncGenerator<Turn & { readonly index: number }, void, void> {
  let [text, thoughts] = ["", ""];
  let tokens: AnswerToken[] = [];
  let calls: { key: string; name: string; arguments: string }[] = [];
  for await (const event of writeTurns(plan, scope)) {
    switch (event.kind) {
      case "start":
        [text, thoughts, tokens, calls] = ["", "", [], []];
        break;
      case "text":
        text += event.text;
        tokens.push(...event.tokens);
        break;
      case "thought":
        thoughts += event.text;
        break;
      case "call":
        calls.push({ key: event.key, name: event.name, arguments: "" });
        break;
      case "arguments":
        calls[event.call]!.arguments += event.text;
        break;
      case "end":
        yield { index: event.index, text, tokens, thoughts, calls, end: event.end };
    }
  }
}
