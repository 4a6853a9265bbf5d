/**
 * @file A GGUF file behind the `LanguageModel` interface, run by llama.cpp on the CPU through node-llama-cpp.
 * llama.cpp computes logits and keeps the key/value cache; the choice of tokens is `sampler.ts`, the same for
 * every engine. Several generations run at once, each in its own sequence of one shared context.
 */
import { setTimeout as wait } from "node:timers/promises";
import {
  getLlama,
  type Llama,
  type LlamaContext,
  type LlamaContextSequence,
  type LlamaEmbeddingContext,
  type LlamaModel as LlamaCppHandle,
  LlamaLogLevel,
  type Token,
} from "node-llama-cpp";
import { Batcher } from "./batcher.ts";
import { assert, describeError, FirnError, randomStream } from "../core/index.ts";
import { checkGguf } from "./gguf-check.ts";
import { findLargestWithoutSorting } from "./largest-logits.ts";
import type { GeneratedToken, GenerateOptions, LanguageModel, TokenChoice } from "./language-model.ts";
import { LogitChanges } from "./logit-changes.ts";
import { knownLogprobs, logNormaliser, type LogitView, sampleToken, type TokenLogit } from "./sampler.ts";
import { leaveBehind } from "./native-garbage.ts";
import { SequencePool } from "./sequence-pool.ts";

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
/** Tokens after which a wider look is narrowed again. */
const LOOK_AGAIN = 32;
/** Where a constraint leaves at most so many tokens, exactly these are looked at. */
const FEW = 64;
/** llama.cpp's own batch, and how long prompts may hold up running answers at a time. */
const BATCH = { batch: 512, pauseMs: 200 };

/** How long the reason of a failure is waited for. */
const COMPLAINT_LOOKS = 20;
const COMPLAINT_WAIT_MS = 25;

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

/** Which logits to look at: these tokens', and the so many largest. */
interface Want {
  readonly tokens: readonly number[];
  readonly includeTop: number;
}

/** A llama.cpp model; also reaches llama.cpp's own tokenizer, for comparing it with ours. */
export class LlamaModel implements LanguageModel {
  readonly name: string;
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly #model: LlamaCppHandle;
  readonly #context: LlamaContext;
  readonly #pool: SequencePool;
  readonly #batcher = new Batcher(BATCH);
  readonly #threads: number;
  #embedder: Promise<LlamaEmbeddingContext> | undefined;
  #closed = false;

  /** Use `openLlamaModel`. */
  constructor(
    name: string,
    model: LlamaCppHandle,
    context: LlamaContext,
    sizes: { readonly vocabSize: number; readonly contextLength: number; readonly threads: number },
  ) {
    this.name = name;
    this.vocabSize = sizes.vocabSize;
    this.contextLength = sizes.contextLength;
    this.#model = model;
    this.#context = context;
    this.#threads = sizes.threads;
    this.#pool = new SequencePool(
      Array.from({ length: context.totalSequences }, () => context.getSequence()),
    );
  }

  /** One sequence after another, so that a score never depends on what else is being scored. */
  async score(sequences: readonly (readonly number[])[]): Promise<Float64Array[]> {
    const scores: Float64Array[] = [];
    for (const ids of sequences) scores.push(await this.#withSequence((slot) => this.#scoreOne(slot, ids)));
    return scores;
  }

  async distributions(ids: readonly number[], top: number, from = 0): Promise<TokenChoice[][]> {
    this.#check(ids);
    if (ids.length === 0) return [];
    return this.#withSequence(async (slot) => {
      const views = await this.#viewsOf(slot, ids, () => ({ tokens: [], includeTop: Math.max(top, 1) }));
      return views.slice(from).map((view) => knownLogprobs(view).slice(0, top));
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
    assert(!this.#closed, "the model has been closed");
    const slot = await this.#pool.acquire(prompt, options.signal);
    let whole = false;
    try {
      const cachedTokens = await this.#pool.prepare(slot, prompt);
      options.onPrompt?.({ cachedTokens });
      // The reader may stop at any token; what has been read until then is known to be right.
      whole = true;
      yield* this.#generateIn(slot, prompt, options, () => (whole = false));
    } finally {
      if (!whole) await slot.clearHistory();
      this.#pool.release(slot);
    }
  }

  /** The hidden state at each sequence's last token, scaled to length 1. */
  async embed(sequences: readonly (readonly number[])[]): Promise<Float32Array[]> {
    for (const ids of sequences) this.#check(ids);
    this.#embedder ??= this.#model.createEmbeddingContext({
      contextSize: this.contextLength + 1,
      threads: this.#threads,
    });
    const embedder = await this.#embedder;
    const vectors: Float32Array[] = [];
    for (const ids of sequences) {
      const { vector } = await embedder.getEmbeddingFor([...ids] as Token[]);
      const length = Math.hypot(...vector);
      vectors.push(Float32Array.from(vector, (value) => (length === 0 ? 0 : value / length)));
    }
    return vectors;
  }

  /** llama.cpp's own tokenization of `text`, with or without reading special tokens in it; no token is added. */
  tokenizeText(text: string, options: { readonly specialTokens: boolean }): number[] {
    return this.#model.tokenize(text, options.specialTokens);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await (await this.#embedder?.catch(() => undefined))?.dispose();
    await this.#context.dispose();
    await this.#model.dispose();
  }

  /**
   * `slot` may have read the beginning of the prompt; `broken` is told when the engine failed. The next token is computed
   * while the reader is busy with the one before.
   */
  async *#generateIn(
    slot: LlamaContextSequence,
    prompt: readonly number[],
    options: GenerateOptions,
    broken: () => void,
  ): AsyncGenerator<GeneratedToken, void, void> {
    const { constraint, signal } = options;
    const topLogprobs = options.topLogprobs ?? 0;
    const stops = new Set(options.stopIds);
    const ended = (produced: number): boolean =>
      produced >= options.maxTokens ||
      constraint?.complete === true ||
      slot.nextTokenIndex + 1 >= this.contextLength;
    const chooser = this.#chooser(slot, prompt, options);
    const unread = prompt.slice(slot.nextTokenIndex);
    let next: Promise<{ readonly id: number; readonly view: LogitView }> | undefined;
    try {
      if (options.maxTokens <= 0 || constraint?.complete === true) return;
      if (slot.nextTokenIndex + unread.length >= this.contextLength) return;
      next = chooser(unread);
      for (let produced = 1; next !== undefined; produced++) {
        const { id, view } = await next;
        next = undefined;
        signal?.throwIfAborted();
        if (stops.has(id)) return;
        constraint?.accept(id);
        if (!ended(produced)) {
          next = chooser([id]);
          // Awaited above or below; until then its failure is nobody's.
          next.catch(() => undefined);
        }
        const shift = logNormaliser(view);
        const top = view.known
          .slice(0, topLogprobs)
          .map((token) => ({ id: token.id, logprob: token.logit - shift }));
        yield { id, logprob: view.known.find((token) => token.id === id)!.logit - shift, top };
      }
    } catch (error) {
      broken();
      throw error;
    } finally {
      // A reader that stops early leaves a token under way; the sequence is free once it has come.
      await next?.catch(broken);
    }
  }

  /** Reads tokens and chooses the one after them. */
  #chooser(slot: LlamaContextSequence, prompt: readonly number[], options: GenerateOptions) {
    const { constraint, signal } = options;
    const changes = new LogitChanges(prompt, options);
    const sampling = {
      temperature: options.temperature ?? 0.8,
      topP: options.topP ?? 0.9,
      topK: options.topK ?? 0,
      minP: options.minP ?? 0,
      ...(changes.none ? {} : { changes }),
      ...(constraint === undefined ? {} : { allows: (id: number) => constraint.allows(id) }),
    };
    const random = randomStream(options.seed ?? 0, "generate");
    const needed = Math.max(options.topLogprobs ?? 0, sampling.topK + (options.logitBias?.size ?? 0), 1);
    const greedy = sampling.temperature === 0 && constraint === undefined && changes.none;
    const firstLook = Math.min(this.vocabSize, Math.max(needed, greedy ? 1 : FIRST_LOOK));
    let look = firstLook;
    let sinceGrowth = 0;
    return async (input: readonly number[]): Promise<{ readonly id: number; readonly view: LogitView }> => {
      const uniform = random.float();
      const few = constraint?.few(FEW);
      sinceGrowth += 1;
      if (sinceGrowth % LOOK_AGAIN === 0) look = Math.max(firstLook, look >> 1);
      const raised = changes.raised();
      const ask = () => ({
        tokens: few === undefined ? raised : [...raised, ...few],
        includeTop: few === undefined ? look : needed,
      });
      let view = await this.#viewAfter(slot, input, ask(), signal);
      // Whatever is out of view then is not allowed either.
      if (few !== undefined) view = { ...view, hidden: 0 };
      let id = sampleToken(view, sampling, uniform);
      while (id === undefined) {
        assert(look < this.vocabSize && few === undefined, "the constraint allows no token");
        // The choice hangs on tokens out of view: take the last token back and look at more of them.
        look = Math.min(this.vocabSize, look * 8);
        sinceGrowth = 0;
        const end = slot.nextTokenIndex;
        await slot.eraseContextTokenRanges([{ start: end - 1, end }]);
        view = await this.#viewAfter(slot, input.slice(-1), ask(), signal);
        id = sampleToken(view, sampling, uniform);
      }
      changes.add(id);
      return { id, view };
    };
  }

  /** Reads `ids` part by part and tells what `want` asks for after the last of them. */
  async #viewAfter(
    slot: LlamaContextSequence,
    ids: readonly number[],
    want: Want,
    signal: AbortSignal | undefined,
  ): Promise<LogitView> {
    let views: LogitView[] = [];
    const last = ids.length - 1;
    await this.#batcher.run(
      ids.length,
      async (from, to) => {
        const part = ids.slice(from, to);
        views = await this.#evaluate(slot, part, (index) => (from + index === last ? want : undefined));
      },
      { signal },
    );
    return views[0]!;
  }

  /** What `ask` wants to see after each of `ids`, whatever else the machine is doing. */
  async #viewsOf(
    slot: LlamaContextSequence,
    ids: readonly number[],
    ask: (index: number) => Want,
  ): Promise<LogitView[]> {
    let views: LogitView[] = [];
    const compute = async (): Promise<void> => {
      views = await this.#evaluate(slot, ids, ask);
    };
    await this.#batcher.run(ids.length, compute, { alone: true });
    return views;
  }

  async #scoreOne(slot: LlamaContextSequence, ids: readonly number[]): Promise<Float64Array> {
    this.#check(ids);
    const scores = new Float64Array(ids.length);
    if (ids.length < 2) return scores;
    const views = await this.#viewsOf(slot, ids.slice(0, -1), (index) => ({
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
    ask: (index: number) => Want | undefined,
  ): Promise<LogitView[]> {
    const asked = ids.map((_, index) => ask(index));
    leaveBehind(this.vocabSize);
    const outputs = await slot.controlledEvaluate(
      ids.map((id, index) => {
        const want = asked[index];
        if (want === undefined) return id as Token;
        const tokens = want.tokens as readonly Token[];
        // A sampler at temperature 0 finds the largest at once; for several see `largest-logits.ts`.
        const look =
          want.includeTop === 1
            ? {
                token: true,
                options: { temperature: 0 },
                logits: { filter: { tokens, includeSelected: true } },
              }
            : { logits: { filter: { tokens, includeTop: want.includeTop } } };
        return [id as Token, { generateNext: { ...look, totalLogitWeight: true } }];
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

  /** Work whose result depends on nothing that the sequence has read before. */
  async #withSequence<T>(work: (slot: LlamaContextSequence) => Promise<T>): Promise<T> {
    assert(!this.#closed, "the model has been closed");
    const slot = await this.#pool.acquire([]);
    try {
      await slot.clearHistory();
      return await work(slot);
    } finally {
      this.#pool.release(slot);
    }
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
    findLargestWithoutSorting(context);
    const { threads } = options;
    return new LlamaModel(options.name, model, context, { vocabSize, contextLength, threads });
  } catch (error) {
    await model?.dispose();
    // The library's messages come from a thread of its own, a little after the failure they explain.
    for (let looks = 0; complaints.length === 0 && looks < COMPLAINT_LOOKS; looks++)
      await wait(COMPLAINT_WAIT_MS);
    throw new FirnError("GENERATE_GGUF", {
      expected: "a GGUF file that llama.cpp can run",
      got: [describeError(error), ...complaints].join("; "),
      where: path,
      next: "The file is damaged, of an unknown model kind, or too large for this machine's memory.",
      cause: error,
    });
  }
}
