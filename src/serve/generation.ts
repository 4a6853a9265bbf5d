/** @file The answers of one request: every prompt n times, one after the other, each with its own seed. */
import { randomInt } from "node:crypto";
import type { z } from "zod";
import { randomStream } from "../core/index.ts";
import type { SamplingSettings, TokenConstraint } from "../generate/index.ts";
import { type AnswerEnd, type AnswerOptions, type AnswerPiece, answer } from "./answer.ts";
import { badValue, contextExceeded, unsupported } from "./api-error.ts";
import type { samplingFields } from "./request-fields.ts";
import type { ServedModel } from "./served-model.ts";
import type { WorkScope } from "./service.ts";

/** How to sample, as every API's request says it in the end. */
export type Sampling = {
  [Name in Exclude<keyof typeof samplingFields, "model" | "stream" | "stream_options" | "user">]?:
    | z.output<(typeof samplingFields)[Name]>
    | undefined;
};

export interface GenerationPlan {
  readonly served: ServedModel;
  readonly prompts: readonly (readonly number[])[];
  /** Answers per prompt. */
  readonly n: number;
  readonly options: Omit<AnswerOptions, "sampling" | "signal" | "constraint" | "filter"> & {
    readonly sampling: SamplingSettings & { readonly seed: number };
  };
  /** What each answer is held to; every answer gets its own. */
  readonly constrain: (() => TokenConstraint) | undefined;
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
  readonly prompt_tokens_details: { readonly cached_tokens: number; readonly audio_tokens: number };
  readonly completion_tokens_details: {
    readonly reasoning_tokens: number;
    readonly audio_tokens: number;
    readonly accepted_prediction_tokens: number;
    readonly rejected_prediction_tokens: number;
  };
}

export interface Timings {
  readonly prompt_ms: number;
  readonly predicted_ms: number;
  /** Tokens per second after each answer's first token; null when there were none. */
  readonly predicted_per_second: number | null;
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
    readonly constrain?: (() => TokenConstraint) | undefined;
    /** Default: everything that is said is text. */
    readonly channels?: boolean;
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
      sampling: readSampling(request, served.model.vocabSize),
      stops: typeof stop === "string" ? [stop] : stop,
      topLogprobs: extra.topLogprobs,
      channels: extra.channels ?? false,
    },
    constrain: extra.constrain,
  };
}

/** Refuses a prompt that leaves no room for one token of answer; nothing is ever cut off a prompt. */
export function checkPromptFits(served: ServedModel, prompt: readonly number[], param: string): void {
  const { contextLength } = served.model;
  if (prompt.length >= contextLength) throw contextExceeded(prompt.length, contextLength, param);
}

function readSampling(request: Sampling, vocabSize: number) {
  if ((request.repeat_penalty ?? 1) !== 1) {
    throw unsupported("repeat_penalty", "a penalty on the last tokens alone; see 'repetition_penalty'");
  }
  return {
    temperature: request.temperature,
    topP: request.top_p,
    // vLLM's clients write -1 for "all".
    topK: request.top_k === undefined ? undefined : Math.max(0, request.top_k),
    minP: request.min_p,
    // Without a seed from the client every request is a new draw.
    seed: request.seed ?? randomInt(2 ** 32),
    logitBias: readBias(request.logit_bias, vocabSize),
    frequencyPenalty: request.frequency_penalty,
    presencePenalty: request.presence_penalty,
    repetitionPenalty: request.repetition_penalty,
  } satisfies SamplingSettings;
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

const NOTHING: AnswerEnd = {
  finishReason: "stop",
  filtered: undefined,
  stopString: undefined,
  completionTokens: 0,
  thoughtTokens: 0,
  cachedTokens: 0,
  promptSeconds: 0,
  generationSeconds: 0,
};

/** Produces the answers; choice `index` is prompt `index / n`, repetition `index % n`, as in OpenAI's API. */
export async function* generateChoices(
  plan: GenerationPlan,
  { signal, answered, filter }: WorkScope,
): AsyncGenerator<ChoiceEvent, void, void> {
  let index = 0;
  for (const prompt of plan.prompts) {
    for (let repetition = 0; repetition < plan.n; repetition++) {
      yield { kind: "start", index, prompt };
      const seed = choiceSeed(plan.options.sampling.seed, repetition);
      const pieces = answer(plan.served, prompt, {
        ...plan.options,
        sampling: { ...plan.options.sampling, seed },
        constraint: plan.constrain?.(),
        filter,
        signal,
      });
      try {
        let step = await pieces.next();
        for (; step.done !== true; step = await pieces.next())
          yield { kind: "piece", index, piece: step.value };
        answered(prompt.length, step.value);
        yield { kind: "end", index, end: step.value };
      } finally {
        // Ends the model's work when the reader of these events stopped early.
        await pieces.return(NOTHING);
      }
      index += 1;
    }
  }
}

/** The first answer takes the client's seed itself, so that asking for more answers does not change it. */
function choiceSeed(seed: number, repetition: number): number {
  return repetition === 0 ? seed : randomStream(seed, "choice", repetition).uint32();
}

/** Sums up the answers of a request as they end. */
export class Tally {
  readonly #promptTokens: number;
  #completionTokens = 0;
  #thoughtTokens = 0;
  /** Of the first answer to each prompt; later answers to it find the whole prompt read by the first. */
  #cachedTokens = 0;
  readonly #n: number;
  #answers = 0;
  #promptSeconds = 0;
  #generationSeconds = 0;
  /** Tokens that came after the first of their answer: what `#generationSeconds` was spent on. */
  #timedTokens = 0;

  constructor(plan: GenerationPlan) {
    this.#n = plan.n;
    this.#promptTokens = plan.prompts.reduce((total, prompt) => total + prompt.length, 0);
  }

  add(end: AnswerEnd): void {
    this.#completionTokens += end.completionTokens;
    this.#thoughtTokens += end.thoughtTokens;
    if (this.#answers++ % this.#n === 0) this.#cachedTokens += end.cachedTokens;
    this.#promptSeconds += end.promptSeconds;
    this.#generationSeconds += end.generationSeconds;
    this.#timedTokens += Math.max(0, end.completionTokens - 1);
  }

  /** OpenAI's `usage`, and `timings` under the names that llama.cpp's server gave them. */
  report(): { readonly usage: Usage; readonly timings: Timings } {
    const milliseconds = (seconds: number): number => Math.round(seconds * 1e6) / 1e3;
    return {
      usage: {
        prompt_tokens: this.#promptTokens,
        completion_tokens: this.#completionTokens,
        total_tokens: this.#promptTokens + this.#completionTokens,
        prompt_tokens_details: { cached_tokens: this.#cachedTokens, audio_tokens: 0 },
        completion_tokens_details: {
          reasoning_tokens: this.#thoughtTokens,
          audio_tokens: 0,
          accepted_prediction_tokens: 0,
          rejected_prediction_tokens: 0,
        },
      },
      timings: {
        prompt_ms: milliseconds(this.#promptSeconds),
        predicted_ms: milliseconds(this.#generationSeconds),
        predicted_per_second: this.#timedTokens === 0 ? null : this.#timedTokens / this.#generationSeconds,
      },
    };
  }
}
