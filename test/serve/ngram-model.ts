/**
 * @file A small real language model for the service's tests: an interpolated Witten–Bell n-gram model over bytes
 * and the special tokens of Apertus' chat format, trained in milliseconds on a few lines. It keeps every promise of
 * `LanguageModel`, so the tests see true probabilities, seeds, stops and full contexts.
 *
 * Smoothing: Witten & Bell (1991), as in Chen & Goodman (1999), §2.5:
 * p(w|h) = (c(h,w) + T(h) · p(w|h′)) / (c(h) + T(h)), T(h) = number of different successors of h.
 */
import { FirnError, type RandomStream, randomStream } from "../../src/core/index.ts";
import type {
  GeneratedToken,
  GenerateOptions,
  LanguageModel,
  TokenChoice,
} from "../../src/generate/index.ts";
import type { ChatCodec, ChatMessage } from "../../src/serve/index.ts";

const SPECIALS = [
  "<s>",
  "</s>",
  "<|system_start|>",
  "<|system_end|>",
  "<|user_start|>",
  "<|user_end|>",
  "<|assistant_start|>",
  "<|assistant_end|>",
  "<|tools_prefix|>",
  "<|tools_suffix|>",
  "<|inner_prefix|>",
  "<|inner_suffix|>",
] as const;
type Special = (typeof SPECIALS)[number];
const VOCAB_SIZE = 256 + SPECIALS.length;

export function specialId(name: Special): number {
  return 256 + SPECIALS.indexOf(name);
}

function encodeBytes(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

function turn(role: "system" | "user" | "assistant", content: readonly number[]): number[] {
  return [specialId(`<|${role}_start|>`), ...content, specialId(`<|${role}_end|>`)];
}

function message({ role, content, calls }: ChatMessage): number[] {
  const bytes = encodeBytes(content);
  if (role === "tool") return encodeBytes(`[${content}]`);
  if (role !== "assistant" || calls === undefined) return turn(role === "developer" ? "system" : role, bytes);
  const list = calls.map((call) => `{"${call.name}": ${call.arguments}}`).join(", ");
  return [
    specialId("<|assistant_start|>"),
    ...bytes,
    specialId("<|tools_prefix|>"),
    ...encodeBytes(`[${list}]`),
    specialId("<|tools_suffix|>"),
  ];
}

/** Bytes are tokens; the special tokens follow them. */
export const byteCodec: ChatCodec = {
  startId: specialId("<s>"),
  stopIds: [specialId("</s>"), specialId("<|assistant_end|>"), specialId("<|tools_suffix|>")],
  callMarks: { open: specialId("<|tools_prefix|>"), close: specialId("<|tools_suffix|>") },
  thoughtMarks: { open: specialId("<|inner_prefix|>"), close: specialId("<|inner_suffix|>") },
  encode: encodeBytes,
  renderChat: (messages, options) => {
    const last = messages.at(-1);
    if (last?.role === "assistant") {
      throw new FirnError("TOKENIZER_CHAT_ORDER", {
        expected: "a conversation that ends with a user's message",
        got: "one that ends with the assistant's",
        next: "Add a user message.",
      });
    }
    const tools = options?.tools ?? [];
    return [
      specialId("<s>"),
      ...(tools.length === 0 ? [] : turn("system", encodeBytes(tools.map(({ name }) => name).join()))),
      ...messages.flatMap(message),
      ...(last?.role === "tool" ? [] : [specialId("<|assistant_start|>")]),
    ];
  },
  tokenBytes: (id) => (id < 256 ? Uint8Array.of(id) : undefined),
  tokenText: (id) => SPECIALS[id - 256] ?? new TextDecoder().decode(Uint8Array.of(id)),
};

interface Successors {
  readonly counts: Map<number, number>;
  total: number;
}

export interface NgramOptions {
  /** Longest history plus one, in tokens. */
  readonly order: number;
  readonly contextLength: number;
  /** Time per generated token, for tests that watch an answer grow. Default: 0. */
  readonly tokenMs?: number;
}

export class NgramModel implements LanguageModel {
  readonly name = "ngram";
  readonly vocabSize = VOCAB_SIZE;
  readonly contextLength: number;
  readonly #order: number;
  readonly #tokenMs: number;
  readonly #table = new Map<string, Successors>();

  constructor(
    sequences: readonly (readonly number[])[],
    { order, contextLength, tokenMs = 0 }: NgramOptions,
  ) {
    this.#order = order;
    this.#tokenMs = tokenMs;
    this.contextLength = contextLength;
    for (const sequence of sequences) {
      for (let i = 1; i < sequence.length; i++) {
        for (let length = 0; length < order && length <= i; length++) {
          this.#count(sequence.slice(i - length, i).join(), sequence[i]!);
        }
      }
    }
  }

  #count(history: string, id: number): void {
    const successors = this.#table.get(history) ?? { counts: new Map<number, number>(), total: 0 };
    successors.counts.set(id, (successors.counts.get(id) ?? 0) + 1);
    successors.total += 1;
    this.#table.set(history, successors);
  }

  /** The probability of every token after `history`. */
  #probabilities(history: readonly number[]): Float64Array {
    const result = new Float64Array(VOCAB_SIZE).fill(1 / VOCAB_SIZE);
    for (let length = 0; length < this.#order && length <= history.length; length++) {
      const successors = this.#table.get(history.slice(history.length - length).join());
      if (successors === undefined) break;
      const kinds = successors.counts.size;
      for (let id = 0; id < VOCAB_SIZE; id++) {
        result[id] = ((successors.counts.get(id) ?? 0) + kinds * result[id]!) / (successors.total + kinds);
      }
    }
    return result;
  }

  async score(sequences: readonly (readonly number[])[]): Promise<Float64Array[]> {
    return sequences.map((ids) =>
      Float64Array.from(ids, (id, i) => (i === 0 ? 0 : Math.log(this.#probabilities(ids.slice(0, i))[id]!))),
    );
  }

  async distributions(ids: readonly number[], top: number): Promise<TokenChoice[][]> {
    return ids.map((_, i) => likeliest(this.#probabilities(ids.slice(0, i + 1)), top));
  }

  async *generate(
    prompt: readonly number[],
    options: GenerateOptions,
  ): AsyncGenerator<GeneratedToken, void, void> {
    const random = randomStream(options.seed ?? 0, "ngram");
    const ids = [...prompt];
    options.onPrompt?.({ cachedTokens: 0 });
    for (let count = 0; count < options.maxTokens && ids.length < this.contextLength; count++) {
      if (options.constraint?.complete === true) return;
      // A turn of the event loop per token, as a model that computes elsewhere would take.
      await new Promise((resolve) =>
        this.#tokenMs === 0 ? setImmediate(resolve) : setTimeout(resolve, this.#tokenMs),
      );
      options.signal?.throwIfAborted();
      const probabilities = this.#probabilities(ids);
      const id = sample(probabilities, options, changesOf(options, prompt, ids), random);
      if (options.stopIds?.includes(id) === true) return;
      options.constraint?.accept(id);
      ids.push(id);
      yield {
        id,
        logprob: Math.log(probabilities[id]!),
        top: likeliest(probabilities, options.topLogprobs ?? 0),
      };
    }
  }

  async close(): Promise<void> {
    this.#table.clear();
  }
}

function likeliest(probabilities: Float64Array, top: number): TokenChoice[] {
  return Array.from(probabilities, (probability, id) => ({ id, logprob: Math.log(probability) }))
    .sort((a, b) => b.logprob - a.logprob || a.id - b.id)
    .slice(0, top);
}

/** What bias and penalties make of a logit (here a log probability), by OpenAI's and vLLM's descriptions. */
function changesOf(options: GenerateOptions, prompt: readonly number[], ids: readonly number[]) {
  const { logitBias, frequencyPenalty = 0, presencePenalty = 0, repetitionPenalty = 1 } = options;
  const said = ids.slice(prompt.length);
  return (logit: number, id: number): number => {
    const count = said.filter((one) => one === id).length;
    const own = !ids.includes(id) ? logit : logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
    return own - count * frequencyPenalty - (count > 0 ? presencePenalty : 0) + (logitBias?.get(id) ?? 0);
  };
}

/** Temperature, then top-k, top-p and min-p, then one draw. */
function sample(
  probabilities: Float64Array,
  options: GenerateOptions,
  changed: (logit: number, id: number) => number,
  random: RandomStream,
): number {
  const { temperature = 0.8, topP = 0.9, topK = 0, minP = 0 } = options;
  const scored = Array.from(probabilities, (probability, id) => ({
    id,
    logit: changed(Math.log(probability), id),
  }))
    .filter(({ id }) => options.constraint?.allows(id) ?? true)
    .sort((a, b) => b.logit - a.logit || a.id - b.id);
  if (temperature === 0) return scored[0]!.id;
  const kept = topK > 0 ? scored.slice(0, topK) : scored;
  const weights = kept.map(({ logit }) => Math.exp((logit - kept[0]!.logit) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let mass = 0;
  const cut = weights.findIndex((weight, i) => {
    mass += weight;
    return mass >= topP * total || (weights[i + 1] ?? 1) < minP;
  });
  let draw = random.float() * (cut === -1 ? total : mass);
  const index = weights.findIndex((weight) => (draw -= weight) < 0);
  return kept[Math.max(0, index)]!.id;
}

const LESSON: readonly (readonly [string, string])[] = [
  ["Hallo!", "Grüezi! Wie geht es dir?"],
  ["Hallo! Wer bist du?", "Ich bin ein kleines Modell aus Schnee und Zahlen."],
  ["Hello!", "Hello! How are you?"],
  ["Bonjour !", "Bonjour ! Comment ça va ?"],
  ["Count to five.", "1, 2, 3, 4, 5"],
  ["Count to three.", "1, 2, 3"],
  ["Say snow in Japanese.", "雪 ❄️ – and good night 🌙"],
  ["Which language is this: Die Sonne scheint hell.", "That is **German**."],
  ["Which language is this: Il sole splende.", "That is **Italian**."],
  ["Draw a picture.", "<img src=x onerror=alert(1)> [here](javascript:alert(1)) `<b>`"],
];

const PARAGRAPH = [
  "Die Sonne scheint hell am Himmel. Die Sonne scheint auf den Schnee. Die Sonne geht unter.",
  "Der Schnee fällt leise auf die Berge. Der Schnee wird zu Firn, und der Firn wird zu Eis.",
  "The sun shines on the snow. The snow becomes firn, and the firn becomes ice.",
];

/** Answers that are not text alone: the marks stand for the special tokens of the format. */
const MARKED_LESSON: readonly (readonly [string, string])[] = [
  ["How is the weather in Bern?", '<|tools_prefix|>[{"get_weather": {"city": "Bern"}}]<|tools_suffix|>'],
  [
    "Time in Bern, and weather?",
    'I look. <|tools_prefix|>[{"get_time": {}}, {"get_weather": {"city": "Bern"}}]<|tools_suffix|>',
  ],
  ["What is two and two?", "<|inner_prefix|>Two and two ❄<|inner_suffix|>Four."],
];

/** Text as bytes; names of special tokens in it as these. */
export function encodeMarked(text: string): number[] {
  return text
    .split(/(<\|[a-z_]+\|>)/)
    .flatMap((part) => (part.startsWith("<|") ? [specialId(part as Special)] : encodeBytes(part)));
}

/** A model that has read three short texts and some conversations. */
export function trainedNgram({ order = 12, contextLength = 512, tokenMs = 0 }: Partial<NgramOptions> = {}) {
  const documents = PARAGRAPH.map((text) => [specialId("<s>"), ...encodeBytes(text), specialId("</s>")]);
  const chats = [...LESSON, ...MARKED_LESSON].map(([user, assistant]) => [
    specialId("<s>"),
    ...turn("user", encodeBytes(user)),
    ...turn("assistant", encodeMarked(assistant)),
  ]);
  return new NgramModel([...documents, ...chats], { order, contextLength, tokenMs });
}
