/**
 * @file The output filter on answers that another engine wrote, whole or in chunks, in the shapes of OpenAI's completions
 * and chat completions. Text, refusals, thoughts and the arguments of tool calls each pass a guard of their own; log
 * probabilities are left out, since they name the tokens that are being held back.
 */
import { OutputGuard, type OutputIndex } from "../output-guard.ts";

type Shape = Readonly<Record<string, unknown>>;

const isShape = (value: unknown): value is Shape =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Fields of a message or a delta that hold words of the model. */
const SPOKEN = ["content", "refusal", "reasoning", "reasoning_content"] as const;

/** Guards the choices of one answer. */
export class AnswerGuard {
  readonly #index: OutputIndex;
  readonly #guards = new Map<string, OutputGuard>();
  readonly #blocked = new Set<number>();
  /** Choices that the engine has ended. */
  readonly #ended = new Set<number>();
  readonly #filtered = new Set<string>();

  constructor(index: OutputIndex) {
    this.#index = index;
  }

  /** The requests for removal whose passages came up. */
  get filtered(): ReadonlySet<string> {
    return this.#filtered;
  }

  /** Nothing of the answer's `count` choices will be said any more, though the engine is still writing one of them. */
  isOver(count: number): boolean {
    const over = new Set([...this.#blocked, ...this.#ended]);
    return over.size >= count && [...this.#blocked].some((index) => !this.#ended.has(index));
  }

  /** A whole answer, with each blocked choice cut off and its `finish_reason` set. */
  whole(answer: Shape): Shape {
    return this.#choices(answer, true);
  }

  /** One chunk of a streamed answer; undefined when nothing of it may be said. */
  chunk(chunk: Shape): Shape | undefined {
    const choices = chunk["choices"];
    // Usage, and whatever else names no choice.
    if (!Array.isArray(choices) || choices.length === 0) return chunk;
    const guarded = this.#choices(chunk, false);
    return (guarded["choices"] as readonly unknown[]).length === 0 ? undefined : guarded;
  }

  #choices(answer: Shape, whole: boolean): Shape {
    const choices = answer["choices"];
    if (!Array.isArray(choices)) return answer;
    const guarded = choices.flatMap((choice: unknown, at): Shape[] => {
      if (!isShape(choice)) return [];
      const index = typeof choice["index"] === "number" ? choice["index"] : at;
      const last = whole || typeof choice["finish_reason"] === "string";
      if (last) this.#ended.add(index);
      // What comes after a blocked passage is not said any more.
      if (this.#blocked.has(index)) return [];
      return [this.#choice(choice, index, last)];
    });
    return { ...answer, choices: guarded };
  }

  #choice(choice: Shape, index: number, last: boolean): Shape {
    const spoken: Record<string, unknown> = { ...choice };
    if ("logprobs" in spoken) spoken["logprobs"] = null;
    if (typeof spoken["text"] === "string") spoken["text"] = this.#pass(index, "text", spoken["text"], last);
    for (const part of ["message", "delta"]) {
      const message = spoken[part];
      if (isShape(message)) spoken[part] = this.#message(message, index, last);
    }
    if (last && spoken["delta"] !== undefined) this.#flush(spoken, index);
    if (this.#blocked.has(index)) spoken["finish_reason"] = "content_filter";
    return spoken;
  }

  #message(message: Shape, index: number, last: boolean): Record<string, unknown> {
    const spoken: Record<string, unknown> = { ...message };
    for (const field of SPOKEN) {
      const text = spoken[field];
      if (typeof text === "string") spoken[field] = this.#pass(index, field, text, last);
    }
    const calls = spoken["tool_calls"];
    if (Array.isArray(calls)) {
      spoken["tool_calls"] = calls.map((call: unknown, at) => {
        if (!isShape(call) || !isShape(call["function"])) return call;
        const { arguments: text } = call["function"];
        if (typeof text !== "string") return call;
        const place = typeof call["index"] === "number" ? call["index"] : at;
        return {
          ...call,
          function: { ...call["function"], arguments: this.#pass(index, `tool ${place}`, text, last) },
        };
      });
    }
    return spoken;
  }

  /** The closing chunk brings what its choice still held back. */
  #flush(choice: Record<string, unknown>, index: number): void {
    const delta = choice["delta"] as Record<string, unknown>;
    for (const [name, guard] of this.#guards) {
      const [at, field] = split(name);
      if (at !== index) continue;
      const rest = this.#take(index, guard.end());
      if (rest === "") continue;
      if (field.startsWith("tool ")) {
        const calls = (delta["tool_calls"] as unknown[] | undefined) ?? [];
        delta["tool_calls"] = [
          ...calls,
          { index: Number(field.slice("tool ".length)), function: { arguments: rest } },
        ];
      } else delta[field] = `${typeof delta[field] === "string" ? delta[field] : ""}${rest}`;
    }
  }

  #pass(index: number, field: string, text: string, last: boolean): string {
    const name = `${index} ${field}`;
    const guard = this.#guards.get(name) ?? new OutputGuard(this.#index);
    this.#guards.set(name, guard);
    const said = this.#take(index, guard.push(text));
    return last && !this.#blocked.has(index) ? said + this.#take(index, guard.end()) : said;
  }

  #take(index: number, { text, blocked }: { readonly text: string; readonly blocked: string | undefined }) {
    if (blocked !== undefined) {
      this.#blocked.add(index);
      this.#filtered.add(blocked);
    }
    return text;
  }
}

function split(name: string): readonly [number, string] {
  const space = name.indexOf(" ");
  return [Number(name.slice(0, space)), name.slice(space + 1)];
}
