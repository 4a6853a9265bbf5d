/** @file `POST /v1/completions`. Shapes: OpenAI API reference, "Completions (legacy)". */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import {
  type Completion,
  type CompletionChunk,
  completionChunkSchema,
  completionSchema,
} from "./answer-schemas.ts";
import { badValue, contextExceeded, unsupported } from "./api-error.ts";
import { OPENAI } from "./api-shape.ts";
import { type EchoedPrompt, echoPrompt } from "./echo.ts";
import {
  checkPromptFits,
  type GenerationPlan,
  generateChoices,
  planGeneration,
  Tally,
} from "./generation.ts";
import { CodePointCounter, completionLogprobs, type OffsetToken } from "./logprobs.ts";
import { optional, samplingFields, textSchema } from "./request-fields.ts";
import { postRoute } from "./route.ts";
import { type ServedModel, startedIds } from "./served-model.ts";
import type { WorkScope } from "./service.ts";

const tokenIds = z.array(z.int().min(0)).min(1);
const promptSchema = z.union([textSchema, tokenIds, z.array(textSchema).min(1), z.array(tokenIds).min(1)], {
  error: (issue) =>
    issue.input === undefined ? undefined : "expected a string, an array of token ids, or an array of either",
});

const completionRequestSchema = z.object({
  ...samplingFields,
  prompt: promptSchema,
  // OpenAI's own default.
  max_tokens: optional(z.int().min(0)).transform((value) => value ?? 16),
  logprobs: optional(z.int().min(0).max(20)),
  echo: optional(z.boolean()),
  best_of: optional(z.int()),
  suffix: optional(z.string()),
});
type CompletionRequest = z.output<typeof completionRequestSchema>;

export const completionsRoute = postRoute({
  path: "/v1/completions",
  summary: "A text continued, or scored (`max_tokens: 0, echo: true, logprobs: 1`).",
  shape: OPENAI,
  request: completionRequestSchema,
  response: completionSchema,
  event: completionChunkSchema,
  reply: (service, request) => {
    const served = service.shelf.get(request.model);
    if ((request.best_of ?? 1) !== 1) throw unsupported("best_of", "best_of");
    if ((request.suffix ?? "") !== "") throw unsupported("suffix", "filling in the middle");
    const prompts = readPrompts(served, request);
    const plan = planGeneration(served, prompts, request, {
      maxTokens: request.max_tokens,
      topLogprobs: request.logprobs ?? 0,
      maxChoices: service.limits.choices,
    });
    const reply = new CompletionReply(served, plan, request);
    return request.stream === true
      ? { kind: "events", events: (scope) => reply.stream(scope) }
      : { kind: "work", work: (scope) => reply.whole(scope) };
  },
});

/** Prompts as token ids. Text gets the start token the model was trained with; ids are taken as they are. */
function readPrompts(served: ServedModel, { prompt, max_tokens }: CompletionRequest): number[][] {
  const list = typeof prompt === "string" ? [prompt] : prompt;
  const ids = list.every((item) => typeof item === "number")
    ? [list]
    : list.map((item) => (typeof item === "string" ? startedIds(served, item) : item));
  for (const one of ids) {
    checkIds(one, served.model.vocabSize);
    if (one.length === 0) throw badValue("prompt", "The prompt is empty.");
    // Only scoring a prompt (echo without an answer) may fill the whole context.
    if (max_tokens > 0) checkPromptFits(served, one, "prompt");
    else if (one.length > served.model.contextLength) {
      throw contextExceeded(one.length, served.model.contextLength, "prompt");
    }
  }
  return ids;
}

function checkIds(ids: readonly number[], vocabSize: number): void {
  const wrong = ids.find((id) => id >= vocabSize);
  if (wrong !== undefined) {
    throw badValue("prompt", `Token ${wrong} is not in this model's vocabulary of ${vocabSize} tokens.`);
  }
}

interface Choice {
  text: string;
  readonly tokens: OffsetToken[];
}

/** One request's answer, whole or in chunks. */
class CompletionReply {
  readonly #served: ServedModel;
  readonly #plan: GenerationPlan;
  readonly #request: CompletionRequest;
  readonly #includeUsage: boolean;
  readonly #head: {
    readonly id: string;
    readonly object: "text_completion";
    readonly created: number;
    readonly model: string;
  };

  constructor(served: ServedModel, plan: GenerationPlan, request: CompletionRequest) {
    this.#served = served;
    this.#plan = plan;
    this.#request = request;
    this.#includeUsage = request.stream_options?.include_usage === true;
    this.#head = {
      id: `cmpl-${randomUUID()}`,
      object: "text_completion",
      created: Math.floor(Date.now() / 1000),
      model: served.id,
    };
  }

  async whole(scope: WorkScope): Promise<Completion> {
    const choices: Completion["choices"] = [];
    const tally = new Tally(this.#plan);
    let choice: Choice = { text: "", tokens: [] };
    for await (const event of this.#pieces(scope)) {
      if (event.kind === "piece") {
        choice.text += event.text;
        choice.tokens.push(...event.tokens);
      } else {
        tally.add(event.end);
        const offsets = new CodePointCounter();
        choices.push({
          ...this.#choice(event.index, choice, offsets),
          finish_reason: event.end.finishReason,
        });
        choice = { text: "", tokens: [] };
      }
    }
    return { ...this.#head, choices, ...tally.report() };
  }

  async *stream(scope: WorkScope): AsyncGenerator<CompletionChunk, void, void> {
    const tally = new Tally(this.#plan);
    let offsets = new CodePointCounter();
    const chunk = (choice: CompletionChunk["choices"][number]): CompletionChunk => ({
      ...this.#head,
      choices: [choice],
      ...(this.#includeUsage ? { usage: null } : {}),
    });
    for await (const event of this.#pieces(scope)) {
      if (event.kind === "piece") {
        yield chunk({ ...this.#choice(event.index, event, offsets), finish_reason: null });
      } else {
        tally.add(event.end);
        yield chunk({ index: event.index, text: "", logprobs: null, finish_reason: event.end.finishReason });
        offsets = new CodePointCounter();
      }
    }
    if (this.#includeUsage) {
      yield { ...this.#head, choices: [], ...tally.report() };
    }
  }

  /** The generated pieces, each choice led by its echoed prompt when the client asked for it. */
  async *#pieces(scope: WorkScope) {
    let echoed: EchoedPrompt = { text: "", tokens: [] };
    for await (const event of generateChoices(this.#plan, scope)) {
      const { index } = event;
      if (event.kind === "start") {
        if (this.#request.echo !== true) continue;
        const hideStart =
          typeof this.#request.prompt === "string" || typeof this.#request.prompt[0] === "string";
        echoed = await echoPrompt(this.#served, event.prompt, hideStart, this.#request.logprobs);
        yield { kind: "piece" as const, index, ...echoed };
      } else if (event.kind === "piece") {
        const { text, tokens } = event.piece;
        const shifted = tokens.map((token) => ({ ...token, offset: token.offset + echoed.text.length }));
        yield { kind: "piece" as const, index, text, tokens: shifted };
      } else {
        yield event;
      }
    }
  }

  #choice(
    index: number,
    { text, tokens }: { readonly text: string; readonly tokens: readonly OffsetToken[] },
    offsets: CodePointCounter,
  ) {
    offsets.append(text);
    const logprobs =
      this.#request.logprobs === undefined ? null : completionLogprobs(this.#served.chat, tokens, offsets);
    return { text, index, logprobs };
  }
}
