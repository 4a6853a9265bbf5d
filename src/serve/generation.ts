/** @file The answers of one request: every prompt n times, one after the other, each with its own seed. */
import { randomInt } from "node:crypto";
import type { z } from "zod";
import { randomStream } from "../core/index.ts";
import { type AnswerEnd, type AnswerOptions, type AnswerPiece, answer } from "./answer.ts";
import { badValue, contextExceeded } from "./api-error.ts";
import type { samplingFields } from "./request-fields.ts";
import type { ServedModel } from "./served-model.ts";

type Sampling = { [Name in keyof typeof samplingFields]?: z.output<(typeof samplingFields)[Name]> };

export interface GenerationPlan {
  readonly served: ServedModel;
  readonly prompts: readonly (readonly number[])[];
  /** Answers per prompt. */
  readonly n: number;
  readonly options: Omit<AnswerOptions, "signal">;
}

export type ChoiceEvent =
  | { readonly kind: "start"; readonly index: number; readonly prompt: readonly number[] }
  | { readonly kind: "piece"; readonly index: number; readonly piece: AnswerPiece }
  | { readonly kind: "end"; readonly index: number; readonly end: AnswerEnd };

/** Usage as the API counts it: a prompt is counted once, however many answers it gets. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** Turns checked request fields into what the model is asked to do. */
export function planGeneration(
  served: ServedModel,
  prompts: readonly (readonly number[])[],
  request: Sampling,
  extra: {
    readonly maxTokens: number | undefined;
    readonly topLogprobs: number;
    readonly maxChoices: number;
  },
): GenerationPlan {
  const n = request.n ?? 1;
  if (n * prompts.length > extra.maxChoices) {
    throw badValue(
      "n",
      `This server gives at most ${extra.maxChoices} answers to one request (prompts × n).`,
    );
  }
  const stop = request.stop ?? [];
  return {
    served,
    prompts,
    n,
    options: {
      maxTokens: extra.maxTokens,
      temperature: request.temperature,
      topP: request.top_p,
      topK: request.top_k,
      // Without a seed from the client every request is a new draw.
      seed: request.seed ?? randomInt(2 ** 32),
      stops: typeof stop === "string" ? [stop] : stop,
      logitBias: readBias(request.logit_bias, served.model.vocabSize),
      topLogprobs: extra.topLogprobs,
    },
  };
}

/** Refuses a prompt that leaves no room for one token of answer; nothing is ever cut off a prompt. */
export function checkPromptFits(served: ServedModel, prompt: readonly number[], param: string): void {
  const { contextLength } = served.model;
  if (prompt.length >= contextLength) throw contextExceeded(prompt.length, contextLength, param);
}

function readBias(bias: Readonly<Record<string, number>> | undefined, vocabSize: number) {
  if (bias === undefined) return undefined;
  return new Map(
    Object.entries(bias).map(([key, value]) => {
      const id = Number(key);
      if (id >= vocabSize)
        throw badValue("logit_bias", `Token ${key} is not in the vocabulary of ${vocabSize}.`);
      return [id, value] as const;
    }),
  );
}

/** Produces the answers; choice `index` is prompt `index / n`, repetition `index % n`, as in OpenAI's API. */
export async function* generateChoices(
  plan: GenerationPlan,
  signal: AbortSignal,
): AsyncGenerator<ChoiceEvent, void, void> {
  let index = 0;
  for (const prompt of plan.prompts) {
    for (let repetition = 0; repetition < plan.n; repetition++) {
      yield { kind: "start", index, prompt };
      const seed = choiceSeed(plan.options.seed, repetition);
      const pieces = answer(plan.served, prompt, { ...plan.options, seed, signal });
      try {
        let step = await pieces.next();
        for (; step.done !== true; step = await pieces.next())
          yield { kind: "piece", index, piece: step.value };
        yield { kind: "end", index, end: step.value };
      } finally {
        // Ends the model's work when the reader of these events stopped early.
        await pieces.return({ finishReason: "stop", completionTokens: 0 });
      }
      index += 1;
    }
  }
}

/** The first answer takes the client's seed itself, so that asking for more answers does not change it. */
function choiceSeed(seed: number, repetition: number): number {
  return repetition === 0 ? seed : randomStream(seed, "choice", repetition).uint32();
}

export function countUsage(plan: GenerationPlan, completionTokens: number): Usage {
  const promptTokens = plan.prompts.reduce((total, prompt) => total + prompt.length, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
