/**
 * @file A GGUF file behind the `LanguageModel` interface, run by llama.cpp on the CPU through node-llama-cpp.
 * llama.cpp computes logits and keeps the key/value cache; the choice of tokens is `sampler.ts`, the same for
 * every engine. Several generations run at once, each in its own sequence of one shared context.
 */
import {
  getLlama,
  type Llama,
  type LlamaContext,
  type LlamaContextSequence,
  type LlamaModel as LlamaCppHandle,
  LlamaLogLevel,
  type Token,
} from "node-llama-cpp";
import { assert, describeError, FirnError, randomStream } from "../core/index.ts";
import { checkGguf } from "./gguf-check.ts";
import type { GeneratedToken, GenerateOptions, LanguageModel, TokenChoice } from "./language-model.ts";
import { knownLogprobs, logNormaliser, type LogitView, sampleToken, type TokenLogit } from "./sampler.ts";

export interface LlamaModelOptions {
  /** What people call the model. */
  readonly name: string;
  /** CPU threads of one evaluation. */
  readonly threads: number;
  /** Generations that can run at the same time; more wait their turn. Default: 4. */
  readonly sequences?: number;
  /** Longest prompt plus answer in tokens. Default: the model's own, at most 8192. */
  readonly contextLength?: number;
  /** Number format of the key/value cache. F32 for comparing engines, F16 (half the memory) for the rest. */
  readonly cache?: "F16" | "F32";
}

const DEFAULT_SEQUENCES = 4;
const DEFAULT_CONTEXT = 8192;
/** Logits fetched per position at first; enough for nearly every choice under top-p 0.9. */
const FIRST_LOOK = 256;

/** The library's last complaints, so that an error can repeat them. */
const complaints: string[] = [];
let library: Promise<Llama> | undefined;

/** llama.cpp itself, loaded once per process. */
function loadLibrary(): Promise<Llama> {
  library ??= getLlama({
    gpu: false,
    build: "never",
    progressLogs: false,
    maxThreads: 0,
    logLevel: LlamaLogLevel.error,
    logger: (_level, message) => {
      complaints.push(message.trim());
      if (complaints.length > 20) complaints.shift();
    },
  }).catch((error: unknown) => {
    library = undefined;
    throw new FirnError("GENERATE_LLAMA_MISSING", {
      expected: "the llama.cpp library that npm installs with node-llama-cpp",
      got: describeError(error),
      next: "Run `npm ci` again without --omit=optional, and see `firn doctor`.",
      cause: error,
    });
  });
  return library;
}

/** A llama.cpp model; also reaches llama.cpp's own tokenizer, for comparing it with ours. */
export class LlamaModel implements LanguageModel {
  readonly name: string;
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly #model: LlamaCppHandle;
  readonly #context: LlamaContext;
  readonly #idle: LlamaContextSequence[];
  readonly #waiting: ((sequence: LlamaContextSequence) => void)[] = [];
  #closed = false;

  /** Use `openLlamaModel`. */
  constructor(
    name: string,
    model: LlamaCppHandle,
    context: LlamaContext,
    sizes: { readonly vocabSize: number; readonly contextLength: number },
  ) {
    this.name = name;
    this.vocabSize = sizes.vocabSize;
    this.contextLength = sizes.contextLength;
    this.#model = model;
    this.#context = context;
    this.#idle = Array.from({ length: context.totalSequences }, () => context.getSequence());
  }

  /** One sequence after another, so that a score never depends on what else is being scored. */
  async score(sequences: readonly (readonly number[])[]): Promise<Float64Array[]> {
    const scores: Float64Array[] = [];
    for (const ids of sequences) scores.push(await this.#withSequence((slot) => this.#scoreOne(slot, ids)));
    return scores;
  }

  async distributions(ids: readonly number[], top: number): Promise<TokenChoice[][]> {
    this.#check(ids);
    if (ids.length === 0) return [];
    return this.#withSequence(async (slot) => {
      const views = await this.#evaluate(slot, ids, () => ({ tokens: [], includeTop: Math.max(top, 1) }));
      return views.map((view) => knownLogprobs(view).slice(0, top));
    });
  }

  async *generate(
    prompt: readonly number[],
    options: GenerateOptions,
  ): AsyncGenerator<GeneratedToken, void, void> {
    this.#check(prompt);
    if (prompt.length === 0) {
      throw new FirnError("GENERATE_EMPTY_PROMPT", {
        expected: "a prompt of at least one token",
        got: "none",
        next: "Begin with the beginning-of-text token.",
      });
    }
    const slot = await this.#acquire(options.signal);
    try {
      yield* this.#generateIn(slot, prompt, options);
    } finally {
      this.#release(slot);
    }
  }

  /** llama.cpp's own tokenization of `text`, with or without reading special tokens in it; no token is added. */
  tokenizeText(text: string, options: { readonly specialTokens: boolean }): number[] {
    return this.#model.tokenize(text, options.specialTokens);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#context.dispose();
    await this.#model.dispose();
  }

  async *#generateIn(
    slot: LlamaContextSequence,
    prompt: readonly number[],
    options: GenerateOptions,
  ): AsyncGenerator<GeneratedToken, void, void> {
    const logitBias = options.logitBias ?? new Map<number, number>();
    const biased = [...logitBias.keys()];
    const topLogprobs = options.topLogprobs ?? 0;
    const sampling = {
      temperature: options.temperature ?? 0.8,
      topP: options.topP ?? 0.9,
      topK: options.topK ?? 0,
      logitBias,
    };
    const stops = new Set(options.stopIds);
    const random = randomStream(options.seed ?? 0, "generate");
    const needed = Math.max(topLogprobs, sampling.topK + biased.length, 1);
    let look = Math.min(this.vocabSize, Math.max(needed, sampling.temperature === 0 ? 1 : FIRST_LOOK));
    let input = prompt;
    for (let produced = 0; produced < options.maxTokens; produced++) {
      options.signal?.throwIfAborted();
      if (slot.nextTokenIndex + input.length >= this.contextLength) return;
      const uniform = random.float();
      const ask = (index: number) =>
        index === input.length - 1 ? { tokens: biased, includeTop: look } : undefined;
      let view = (await this.#evaluate(slot, input, ask))[0]!;
      let id = sampleToken(view, sampling, uniform);
      while (id === undefined) {
        // The choice hangs on tokens out of view: take the last token back and look at more of them.
        look = Math.min(this.vocabSize, look * 8);
        const end = slot.nextTokenIndex;
        input = input.slice(-1);
        await slot.eraseContextTokenRanges([{ start: end - 1, end }]);
        view = (await this.#evaluate(slot, input, ask))[0]!;
        id = sampleToken(view, sampling, uniform);
      }
      if (stops.has(id)) return;
      const shift = logNormaliser(view);
      const top = view.known
        .slice(0, topLogprobs)
        .map((token) => ({ id: token.id, logprob: token.logit - shift }));
      yield { id, logprob: view.known.find((token) => token.id === id)!.logit - shift, top };
      input = [id];
    }
  }

  async #scoreOne(slot: LlamaContextSequence, ids: readonly number[]): Promise<Float64Array> {
    this.#check(ids);
    const scores = new Float64Array(ids.length);
    if (ids.length < 2) return scores;
    const views = await this.#evaluate(slot, ids.slice(0, -1), (index) => ({
      tokens: [ids[index + 1]!],
      includeTop: 1,
    }));
    views.forEach((view, index) => {
      const next = ids[index + 1]!;
      scores[index + 1] = knownLogprobs(view).find(({ id }) => id === next)!.logprob;
    });
    return scores;
  }

  /** Feeds `ids` and returns what `ask` wants to see after each of them, in order. */
  async #evaluate(
    slot: LlamaContextSequence,
    ids: readonly number[],
    ask: (index: number) => { tokens: readonly number[]; includeTop: number } | undefined,
  ): Promise<LogitView[]> {
    const asked = ids.map((_, index) => ask(index));
    const outputs = await slot.controlledEvaluate(
      ids.map((id, index) => {
        const want = asked[index];
        if (want === undefined) return id as Token;
        const filter = { tokens: want.tokens as readonly Token[], includeTop: want.includeTop };
        return [id as Token, { generateNext: { logits: { filter }, totalLogitWeight: true } }];
      }),
    );
    const views: LogitView[] = [];
    outputs.forEach((output, index) => {
      const want = asked[index];
      if (want === undefined) return;
      const logits = output?.next.logits;
      const totalWeight = output?.next.totalLogitWeight;
      assert(logits !== undefined && totalWeight !== undefined, "llama.cpp returned no logits");
      const known = [...logits].map(([id, logit]): TokenLogit => ({ id, logit }));
      known.sort((a, b) => b.logit - a.logit || a.id - b.id);
      views.push({
        known,
        hidden: this.vocabSize - known.length,
        hiddenMax: known[Math.min(want.includeTop, known.length) - 1]!.logit,
        totalWeight,
      });
    });
    return views;
  }

  #check(ids: readonly number[]): void {
    if (ids.length > this.contextLength) {
      throw new FirnError("GENERATE_CONTEXT", {
        expected: `at most ${this.contextLength} tokens`,
        got: String(ids.length),
        next: "Shorten the text, or open the model with a longer context if it was trained for one.",
      });
    }
    for (const id of ids) {
      if (!Number.isInteger(id) || id < 0 || id >= this.vocabSize) {
        throw new FirnError("GENERATE_TOKEN_ID", {
          expected: `token ids from 0 to ${this.vocabSize - 1}`,
          got: String(id),
          next: "Use the tokenizer that belongs to this model.",
        });
      }
    }
  }

  async #withSequence<T>(work: (slot: LlamaContextSequence) => Promise<T>): Promise<T> {
    const slot = await this.#acquire();
    try {
      return await work(slot);
    } finally {
      this.#release(slot);
    }
  }

  async #acquire(signal?: AbortSignal): Promise<LlamaContextSequence> {
    assert(!this.#closed, "the model has been closed");
    signal?.throwIfAborted();
    const slot =
      this.#idle.pop() ??
      (await new Promise<LlamaContextSequence>((resolve, reject) => {
        const give = (sequence: LlamaContextSequence): void => {
          signal?.removeEventListener("abort", leave);
          resolve(sequence);
        };
        const leave = (): void => {
          const place = this.#waiting.indexOf(give);
          if (place >= 0) this.#waiting.splice(place, 1);
          reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
        };
        signal?.addEventListener("abort", leave, { once: true });
        this.#waiting.push(give);
      }));
    await slot.clearHistory();
    return slot;
  }

  #release(slot: LlamaContextSequence): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(slot);
    else next(slot);
  }
}

/**
 * Opens the GGUF file at `path`. Throws `GENERATE_GGUF` when the file is not a GGUF, damaged or of a kind that
 * llama.cpp cannot run, and `GENERATE_LLAMA_MISSING` when the library itself is not installed.
 */
export async function openLlamaModel(path: string, options: LlamaModelOptions): Promise<LlamaModel> {
  const { vocabSize } = await checkGguf(path);
  const llama = await loadLibrary();
  complaints.length = 0;
  let model: LlamaCppHandle | undefined;
  try {
    model = await llama.loadModel({ modelPath: path, gpuLayers: 0 });
    const contextLength = Math.min(model.trainContextSize, options.contextLength ?? DEFAULT_CONTEXT);
    const context = await model.createContext({
      sequences: options.sequences ?? DEFAULT_SEQUENCES,
      // One cell more than we use: at its last cell the library would silently drop the beginning of the text.
      contextSize: contextLength + 1,
      threads: options.threads,
      ...(options.cache === "F32"
        ? { experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32", flashAttention: false }
        : {}),
    });
    return new LlamaModel(options.name, model, context, { vocabSize, contextLength });
  } catch (error) {
    await model?.dispose();
    throw new FirnError("GENERATE_GGUF", {
      expected: "a GGUF file that llama.cpp can run",
      got: [describeError(error), ...complaints].join("; "),
      where: path,
      next: "The file is damaged, of an unknown model kind, or too large for this machine's memory.",
      cause: error,
    });
  }
}
