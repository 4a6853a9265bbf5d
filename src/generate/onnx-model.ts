/**
 * @file Our own weights behind the `LanguageModel` interface, run by ONNX Runtime with the graph that training uses.
 * It scores many short sequences per run; speaking recomputes the prompt for each token, which is fine for
 * samples of a small model. Long talks are llama.cpp's job (`llama-model.ts`).
 */
import { assert, FirnError, randomStream } from "../core/index.ts";
import { type DeviceName, Program, ResidentTensor, type Tensor } from "../engine/index.ts";
import { Graph, linear, linearCrossEntropy, onnx } from "../graph/index.ts";
import {
  decoder,
  graphParameters,
  type ModelConfig,
  parameterInputs,
  stackWeights,
  tokenInputs,
  type Weights,
} from "../model/index.ts";
import type { GeneratedToken, GenerateOptions, LanguageModel, TokenChoice } from "./language-model.ts";
import { LogitChanges } from "./logit-changes.ts";
import { knownLogprobs, type LogitView, sampleToken } from "./sampler.ts";

export interface OnnxModelOptions {
  readonly name: string;
  readonly threads: number;
  /** Where it is computed; the processor unless said otherwise. */
  readonly device?: DeviceName;
  /** Longest sequence in tokens. Default: the model's context length, at most 512. */
  readonly length?: number;
  /** Rows of `length` tokens that one scoring run holds. Default: 8. */
  readonly batch?: number;
}

/** Logits that one run hands over at most, in floats: 64 MiB. */
const MOST_LOGITS = 1 << 24;
/** Places that are asked for together when they are no more than this. */
const FEW_PLACES = 64;
/** Rows for speaking have this many tokens, or twice as many, and so on up to the context. */
const SHORTEST_ROW = 32;

/** A place for a sequence in a scoring run. */
interface Slot {
  readonly sequence: number;
  readonly row: number;
  readonly column: number;
}

function describeLogits(logits: Float32Array): LogitView {
  const known = Array.from(logits, (logit, id) => ({ id, logit }));
  known.sort((a, b) => b.logit - a.logit || a.id - b.id);
  const largest = known[0]!.logit;
  const totalWeight = known.reduce((sum, { logit }) => sum + Math.exp(logit - largest), 0);
  return { known, hidden: 0, hiddenMax: Number.NEGATIVE_INFINITY, totalWeight };
}

/** The `top` likeliest tokens, best first, without sorting the others. */
function topChoices(logits: Float32Array, top: number): TokenChoice[] {
  const best: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (best.length === top && !(logit > logits[best.at(-1)!]!)) continue;
    let place = best.length;
    while (place > 0 && logit > logits[best[place - 1]!]!) place -= 1;
    best.splice(place, 0, id);
    if (best.length > top) best.pop();
  }
  const largest = logits[best[0]!]!;
  let weight = 0;
  for (const logit of logits) weight += Math.exp(logit - largest);
  const normaliser = largest + Math.log(weight);
  return best.map((id) => ({ id, logprob: logits[id]! - normaliser }));
}

export class OnnxModel implements LanguageModel {
  readonly name: string;
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly #config: ModelConfig;
  readonly #threads: number;
  readonly #device: DeviceName;
  readonly #batch: number;
  readonly #parameters: ReadonlyMap<string, ResidentTensor>;
  #ready: Promise<Map<string, Tensor>> | undefined;
  #scoring: Promise<Program> | undefined;
  /** By row length and places: a short prompt does not pay for the whole context. */
  readonly #speaking = new Map<string, Promise<Program>>();

  /** @param weights under their checkpoint names */
  constructor(config: ModelConfig, weights: Weights, options: OnnxModelOptions) {
    this.name = options.name;
    this.vocabSize = config.vocabSize;
    this.contextLength = Math.min(options.length ?? 512, config.contextLength);
    this.#config = config;
    this.#threads = options.threads;
    this.#device = options.device ?? "cpu";
    this.#batch = options.batch ?? 8;
    const stacked = stackWeights(config, weights, options.name);
    this.#parameters = new Map(
      graphParameters(config).map(({ name, shape }) => [
        name,
        new ResidentTensor(this.#device, shape, stacked.get(name)),
      ]),
    );
  }

  /** The parameters, on the device from the first call on. */
  #feeds(): Promise<Map<string, Tensor>> {
    this.#ready ??= (async () => {
      for (const parameter of this.#parameters.values()) await parameter.toDevice();
      return new Map([...this.#parameters].map(([name, { tensor }]) => [name, tensor]));
    })();
    return this.#ready;
  }

  /** Negative log-likelihood of `labels` for batch rows of `contextLength` tokens. */
  #scoringProgram(): Promise<Program> {
    this.#scoring ??= (async () => {
      const graph = new Graph();
      const rows = this.#batch * this.contextLength;
      const tokens = tokenInputs(graph, this.#batch, this.contextLength);
      const labels = graph.input("labels", "int32", [rows]);
      const parameters = parameterInputs(graph, this.#config);
      const hidden = decoder(graph, this.#config, parameters, tokens);
      const weights = graph.constant(new Float32Array(rows).fill(1), [rows]);
      const head = parameters.get("lm_head.weight")!;
      const scored = linearCrossEntropy(graph, hidden, head, labels, weights, 512, false);
      graph.output("negativeLogLikelihood", scored.negativeLogLikelihood);
      return Program.compile(graph, { threads: this.#threads, device: this.#device, name: "scoring" });
    })();
    return this.#scoring;
  }

  /** Logits after the `places` positions `at` of one row of `length` tokens. */
  #speakingProgram(length: number, places: number): Promise<Program> {
    const key = `${length}/${places}`;
    let program = this.#speaking.get(key);
    if (program === undefined) {
      const graph = new Graph();
      const tokens = tokenInputs(graph, 1, length);
      const at = graph.input("at", "int32", [places]);
      const parameters = parameterInputs(graph, this.#config);
      const hidden = onnx.gatherRows(graph, decoder(graph, this.#config, parameters, tokens), at);
      graph.output("logits", linear(graph, hidden, parameters.get("lm_head.weight")!));
      program = Program.compile(graph, { threads: this.#threads, device: this.#device, name: "speaking" });
      this.#speaking.set(key, program);
    }
    return program;
  }

  #checkLength(length: number): void {
    if (length <= this.contextLength) return;
    throw new FirnError("GENERATE_CONTEXT", {
      expected: `at most ${this.contextLength} tokens`,
      got: `${length} tokens`,
      where: this.name,
      next: "Shorten the text or cut it into windows.",
    });
  }

  /** Puts sequences into runs of batch × contextLength tokens, first come, first served. */
  #layOut(sequences: readonly (readonly number[])[]): Slot[][] {
    const runs: Slot[][] = [];
    let run: Slot[] = [];
    let [row, column] = [0, 0];
    sequences.forEach((sequence, index) => {
      this.#checkLength(sequence.length);
      if (column + sequence.length > this.contextLength) [row, column] = [row + 1, 0];
      if (row === this.#batch) {
        runs.push(run);
        run = [];
        row = 0;
      }
      run.push({ sequence: index, row, column });
      column += sequence.length;
    });
    if (run.length > 0) runs.push(run);
    return runs;
  }

  async score(sequences: readonly (readonly number[])[]): Promise<Float64Array[]> {
    const program = await this.#scoringProgram();
    const length = this.contextLength;
    const rows = this.#batch * length;
    const results = sequences.map((sequence) => new Float64Array(sequence.length));
    for (const run of this.#layOut(sequences)) {
      const ids = new Int32Array(rows);
      const labels = new Int32Array(rows);
      const positions = new Int32Array(rows);
      const segments = new Int32Array(rows).fill(-1);
      run.forEach(({ sequence, row, column }, segment) => {
        sequences[sequence]!.forEach((id, i) => {
          assert(id >= 0 && id < this.vocabSize, `token id ${id} is outside the vocabulary`);
          const at = row * length + column + i;
          ids[at] = id;
          positions[at] = i;
          segments[at] = segment;
          if (i > 0) labels[at - 1] = id;
        });
      });
      const feeds = new Map(await this.#feeds());
      feeds.set("ids", { dtype: "int32", shape: [rows], data: ids });
      feeds.set("labels", { dtype: "int32", shape: [rows], data: labels });
      feeds.set("positions", { dtype: "int32", shape: [this.#batch, length], data: positions });
      feeds.set("segments", { dtype: "int32", shape: [this.#batch, length], data: segments });
      const nll = (await program.run(feeds)).get("negativeLogLikelihood")!.data as Float32Array;
      for (const { sequence, row, column } of run) {
        const result = results[sequence]!;
        for (let i = 1; i < result.length; i++) result[i] = -nll[row * length + column + i - 1]!;
      }
    }
    return results;
  }

  #rowLength(tokens: number): number {
    this.#checkLength(tokens);
    let length = Math.min(SHORTEST_ROW, this.contextLength);
    while (length < tokens) length = Math.min(2 * length, this.contextLength);
    return length;
  }

  /** Logits of the tokens after the positions `at` of `ids`, one after the other. */
  async #logitsAfter(ids: readonly number[], at: Int32Array): Promise<Float32Array> {
    const length = this.#rowLength(ids.length);
    const program = await this.#speakingProgram(length, at.length);
    const padded = new Int32Array(length);
    padded.set(ids);
    const feeds = new Map(await this.#feeds());
    feeds.set("ids", { dtype: "int32", shape: [length], data: padded });
    feeds.set("positions", {
      dtype: "int32",
      shape: [1, length],
      data: Int32Array.from(padded, (_, i) => i),
    });
    feeds.set("segments", { dtype: "int32", shape: [1, length], data: new Int32Array(length) });
    feeds.set("at", { dtype: "int32", shape: [at.length], data: at });
    return (await program.run(feeds)).get("logits")!.data as Float32Array;
  }

  async distributions(ids: readonly number[], top: number, from = 0): Promise<TokenChoice[][]> {
    const most = Math.max(1, Math.floor(MOST_LOGITS / this.vocabSize));
    const row = this.#rowLength(ids.length);
    const places = Math.min(most, ids.length - from <= FEW_PLACES ? Math.min(FEW_PLACES, row) : row);
    const found: TokenChoice[][] = [];
    for (let first = from; first < ids.length; first += places) {
      const at = Int32Array.from({ length: places }, (_, i) => Math.min(first + i, ids.length - 1));
      const logits = await this.#logitsAfter(ids, at);
      for (let i = 0; i < places && first + i < ids.length; i++)
        found.push(topChoices(logits.subarray(i * this.vocabSize, (i + 1) * this.vocabSize), top));
    }
    return found;
  }

  async *generate(
    prompt: readonly number[],
    options: GenerateOptions,
  ): AsyncGenerator<GeneratedToken, void, void> {
    const { maxTokens, temperature = 0.8, topP = 0.9, topK = 0, minP = 0, seed = 0 } = options;
    const { topLogprobs = 0 } = options;
    const random = randomStream(seed, "generate");
    const { constraint } = options;
    const changes = new LogitChanges(prompt, options);
    const sampling = {
      temperature,
      topP,
      topK,
      minP,
      ...(changes.none ? {} : { changes }),
      ...(constraint === undefined ? {} : { allows: (id: number) => constraint.allows(id) }),
    };
    options.onPrompt?.({ cachedTokens: 0 });
    const ids = [...prompt];
    for (let i = 0; i < maxTokens && ids.length < this.contextLength; i++) {
      options.signal?.throwIfAborted();
      if (constraint?.complete === true) return;
      const view = describeLogits(await this.#logitsAfter(ids, Int32Array.of(ids.length - 1)));
      const id = sampleToken(view, sampling, random.float());
      assert(id !== undefined, "the sampler saw every logit and still could not choose");
      if (options.stopIds?.includes(id) === true) return;
      constraint?.accept(id);
      changes.add(id);
      const choices = knownLogprobs(view);
      yield { ...choices.find((choice) => choice.id === id)!, top: choices.slice(0, topLogprobs) };
      ids.push(id);
    }
  }

  async close(): Promise<void> {
    for (const parameter of this.#parameters.values()) parameter.release();
    (await this.#scoring)?.close();
    for (const program of this.#speaking.values()) (await program).close();
  }
}
