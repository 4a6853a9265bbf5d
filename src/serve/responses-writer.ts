/**
 * @file Writes a turn as a response of OpenAI's Responses API: items that open, grow and close one after the other. The
 * whole response is what the last event holds, so that streaming or not gives the same.
 */
import { randomUUID } from "node:crypto";
import type { AnswerEnd, AnswerToken } from "./answer.ts";
import type { Tally } from "./generation.ts";
import { chatTokenLogprobs } from "./logprobs.ts";
import type { EventBody, OutputItem, ResponseEvent, ResponseObject } from "./responses-schemas.ts";
import type { ServedModel } from "./served-model.ts";
import type { TurnEvent } from "./turn.ts";

export class ResponseWriter {
  readonly #served: ServedModel;
  readonly #response: ResponseObject;
  readonly #logprobs: boolean;
  #sequence = 0;
  #open: OutputItem | undefined;

  /** `response` is the answer as it stands at the beginning: no output yet. */
  constructor(served: ServedModel, response: ResponseObject, logprobs: boolean) {
    this.#served = served;
    this.#response = response;
    this.#logprobs = logprobs;
  }

  get response(): ResponseObject {
    return structuredClone(this.#response);
  }

  begin(): ResponseEvent[] {
    return this.#number([
      { type: "response.created", response: this.response },
      { type: "response.in_progress", response: this.response },
    ]);
  }

  write(event: TurnEvent): ResponseEvent[] {
    switch (event.kind) {
      case "start":
      case "end":
        return [];
      case "text":
        return this.#text(event.text, event.tokens);
      case "thought":
        return this.#thought(event.text);
      case "call": {
        const item = this.#item({
          id: newId("fc"),
          type: "function_call",
          status: "in_progress",
          call_id: `call_${event.key}`,
          name: event.name,
          arguments: "",
        });
        return this.#number([...this.#close("completed"), ...this.#add(item)]);
      }
      case "arguments": {
        const item = this.#open;
        if (item?.type !== "function_call") return [];
        item.arguments += event.text;
        const place = { item_id: item.id, output_index: this.#index };
        return this.#number([
          { type: "response.function_call_arguments.delta", ...place, delta: event.text },
        ]);
      }
    }
  }

  end(end: AnswerEnd, tally: Tally): ResponseEvent[] {
    const status = end.finishReason === "stop" ? "completed" : "incomplete";
    const closing = this.#close(status);
    const { usage } = tally.report();
    this.#response.status = status;
    if (status === "incomplete") {
      const reason = end.finishReason === "length" ? "max_output_tokens" : "content_filter";
      this.#response.incomplete_details = { reason };
    }
    this.#response.usage = {
      input_tokens: usage.prompt_tokens,
      input_tokens_details: {
        cached_tokens: usage.prompt_tokens_details.cached_tokens,
        cache_write_tokens: 0,
      },
      output_tokens: usage.completion_tokens,
      output_tokens_details: { reasoning_tokens: usage.completion_tokens_details.reasoning_tokens },
      total_tokens: usage.total_tokens,
    };
    return this.#number([...closing, { type: `response.${status}`, response: this.response }]);
  }

  get #index(): number {
    return this.#response.output.length - 1;
  }

  #text(text: string, tokens: readonly AnswerToken[]): ResponseEvent[] {
    const events: EventBody[] = [];
    if (this.#open?.type !== "message") {
      events.push(...this.#close("completed"));
      const item = this.#item({
        id: newId("msg"),
        type: "message",
        status: "in_progress",
        role: "assistant",
        content: [],
      });
      events.push(...this.#add(item));
      const part = { type: "output_text" as const, text: "", annotations: [], logprobs: [] };
      events.push({ type: "response.content_part.added", ...this.#partPlace(item), part: { ...part } });
      if (item.type === "message") item.content.push(part);
    }
    const item = this.#open!;
    if (item.type !== "message") return [];
    const part = item.content[0]!;
    const logprobs = this.#logprobs ? tokens.map((token) => chatTokenLogprobs(this.#served.chat, token)) : [];
    part.text += text;
    part.logprobs.push(...logprobs);
    events.push({ type: "response.output_text.delta", ...this.#partPlace(item), delta: text, logprobs });
    return this.#number(events);
  }

  #thought(text: string): ResponseEvent[] {
    const events: EventBody[] = [];
    if (this.#open?.type !== "reasoning") {
      events.push(...this.#close("completed"));
      const item = this.#item({
        id: newId("rs"),
        type: "reasoning",
        status: "in_progress",
        summary: [],
        content: [],
      });
      events.push(...this.#add(item));
      const part = { type: "reasoning_text" as const, text: "" };
      events.push({ type: "response.content_part.added", ...this.#partPlace(item), part: { ...part } });
      if (item.type === "reasoning") item.content.push(part);
    }
    const item = this.#open!;
    if (item.type !== "reasoning") return [];
    item.content[0]!.text += text;
    events.push({ type: "response.reasoning_text.delta", ...this.#partPlace(item), delta: text });
    return this.#number(events);
  }

  #item(item: OutputItem): OutputItem {
    return item;
  }

  #add(item: OutputItem): EventBody[] {
    this.#response.output.push(item);
    this.#open = item;
    return [{ type: "response.output_item.added", output_index: this.#index, item: structuredClone(item) }];
  }

  #close(status: "completed" | "incomplete"): EventBody[] {
    const item = this.#open;
    if (item === undefined) return [];
    item.status = status;
    this.#open = undefined;
    const place = { item_id: item.id, output_index: this.#index };
    const events: EventBody[] = [];
    if (item.type === "function_call") {
      const { name, arguments: text } = item;
      events.push({ type: "response.function_call_arguments.done", ...place, name, arguments: text });
    } else {
      const part = item.content[0]!;
      const at = this.#partPlace(item);
      events.push(
        part.type === "output_text"
          ? { type: "response.output_text.done", ...at, text: part.text, logprobs: [...part.logprobs] }
          : { type: "response.reasoning_text.done", ...at, text: part.text },
        { type: "response.content_part.done", ...at, part: structuredClone(part) },
      );
    }
    const done = { output_index: this.#index, item: structuredClone(item) };
    return [...events, { type: "response.output_item.done", ...done }];
  }

  #partPlace(item: OutputItem) {
    return { item_id: item.id, output_index: this.#index, content_index: 0 };
  }

  #number(events: readonly EventBody[]): ResponseEvent[] {
    return events.map((event) => ({ ...event, sequence_number: this.#sequence++ }));
  }
}

export function newId(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll("-", "")}`;
}
