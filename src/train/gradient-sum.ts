/**
 * @file The gradients of one rank's share of a step: micro-batches go through the model and back, several at once where there
 * are threads for it, and what they find is added up in an order that depends on neither.
 */
import { assert } from "../core/index.ts";
import {
  type DeviceName,
  float32Tensor,
  type HostTensor,
  Program,
  ResidentTensor,
  type Tensor,
} from "../engine/index.ts";
import { assertInPlace } from "../graph/index.ts";
import { type GraphParameter, graphParameters, type ModelConfig } from "../model/index.ts";
import { buildGradientGraph, buildSumGraph } from "./gradient-graph.ts";
import type { BatchShare } from "./parallel/batch-share.ts";

/** How much of a step's batch goes through the model at once. */
export interface StepShape {
  /** Tokens in a sequence. */
  readonly length: number;
  /** Sequences in a micro-batch, whose gradients are summed up; bounds memory. */
  readonly microBatch: number;
  /** Rows whose logits exist at the same time; bounds memory. */
  readonly lossChunkRows: number;
}

/** Parameters, or their gradients, by graph name. */
export type Residents = ReadonlyMap<string, ResidentTensor>;

/**
 * How often the micro-batches are divided into halves whose gradients are summed apart. Two and four ranks, and two and
 * four lanes, divide them in the same way and therefore come to the same bits as one. Each division costs one more set of
 * gradients.
 */
const HALVINGS = 2;

/** How often a rank of `ranks` halves its own `count` micro-batches: what the division among ranks has left over. */
function halvingsOf(count: number, ranks: number): number {
  let halvings = 0;
  let rest = count;
  // Two in a row are summed to the same bits as two apart.
  for (let parts = ranks; parts < 2 ** HALVINGS && rest % 2 === 0 && rest > 2; parts *= 2) {
    halvings += 1;
    rest /= 2;
  }
  return halvings;
}

/**
 * The number of micro-batches that go through the model at once, each on its own share of `threads`: halves of halves of
 * `count`. Threads that compute one micro-batch together wait for each other at every operator, lanes once a step.
 */
export function lanesOf(count: number, threads: number): number {
  let lanes = 1;
  while (lanes < 2 ** HALVINGS && count % (2 * lanes) === 0 && threads % (2 * lanes) === 0) lanes *= 2;
  return lanes;
}

/** Some of a rank's micro-batches, and how they are summed: by halves so many times, in so many lanes at once. */
interface Part {
  readonly first: number;
  readonly count: number;
  readonly halvings: number;
  readonly lanes: number;
}

function halvesOf(part: Part): [Part, Part] {
  const half = {
    first: part.first,
    count: part.count / 2,
    halvings: Math.max(0, part.halvings - 1),
    lanes: Math.max(1, part.lanes / 2),
  };
  return [half, { ...half, first: part.first + half.count }];
}

/** Sets of gradients that are held while a part is summed. */
function setsOf(part: Part): number {
  if (part.lanes === 1 && part.halvings === 0) return 1;
  const [half] = halvesOf(part);
  // One after the other, the second half starts when only the first one's sum is left.
  return part.lanes === 1 ? 1 + setsOf(half) : 2 * setsOf(half);
}

/** Sets of gradients that a rank holds while it sums up those of its `count` micro-batches in `lanes`. */
export function gradientSets(count: number, { ranks = 1, lanes = 1 } = {}): number {
  return setsOf({ first: 0, count, halvings: halvingsOf(count, ranks), lanes });
}

export interface GradientSumSettings {
  readonly model: ModelConfig;
  readonly shape: StepShape;
  readonly device: DeviceName;
}

export interface GradientSumOptions {
  /** Threads of all lanes together. */
  readonly threads: number;
  /** See `lanesOf`; 1 on an accelerator. */
  readonly lanes: number;
  /** Of how many the rank is one. */
  readonly ranks: number;
  /** See `ProgramOptions`; with one lane only. */
  readonly blocking: boolean;
  readonly profilePrefix?: string | undefined;
}

/** Where the step's losses go. */
interface Found {
  /** Of each micro-batch. */
  readonly losses: number[];
  /** Of each label. */
  readonly negativeLogLikelihood: Float32Array;
}

/** What a step computes with. */
interface Step {
  readonly share: BatchShare;
  readonly weights: Residents;
  readonly found: Found;
}

function allocateAll(device: DeviceName, parameters: readonly GraphParameter[]): Residents {
  return new Map(parameters.map(({ name, shape }) => [name, new ResidentTensor(device, shape)]));
}

/** Lets both end before a failure of either is told: until then they write into memory. */
async function both(works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

export class GradientSum {
  readonly #settings: GradientSumSettings;
  readonly #options: GradientSumOptions;
  readonly #parameters: readonly GraphParameter[];
  /** The model there and back, once per lane. */
  readonly #programs: readonly Program[];
  readonly #adding: Program;
  /** The first holds the sum of all in the end; they are made when they are first needed. */
  readonly #sets: Residents[] = [];

  private constructor(
    settings: GradientSumSettings,
    options: GradientSumOptions,
    programs: readonly Program[],
    adding: Program,
  ) {
    this.#settings = settings;
    this.#options = options;
    this.#parameters = graphParameters(settings.model);
    this.#programs = programs;
    this.#adding = adding;
  }

  /** Compiles the programs. */
  static async open(settings: GradientSumSettings, options: GradientSumOptions): Promise<GradientSum> {
    const { model, shape, device } = settings;
    const { threads, lanes, blocking, profilePrefix } = options;
    assert(lanes === 1 || !blocking, "lanes run beside each other");
    const { length, microBatch: sequences, lossChunkRows } = shape;
    const parameters = graphParameters(model);
    const gradients = buildGradientGraph(model, { sequences, length, lossChunkRows });
    const sum = buildSumGraph(parameters);
    assertInPlace(gradients, new Map(parameters.map(({ name }) => [`gradient.${name}`, `sum.${name}`])));
    assertInPlace(sum, new Map(parameters.map(({ name }) => [`next.${name}`, `sum.${name}`])));
    const common = { device, blocking };
    const programs = await Promise.all(
      Array.from({ length: lanes }, (_, lane) =>
        Program.compile(gradients, {
          ...common,
          threads: threads / lanes,
          name: "gradients",
          ...(profilePrefix === undefined || lane > 0 ? {} : { profilePrefix }),
        }),
      ),
    );
    const adding = await Program.compile(sum, { ...common, threads, name: "gradient sum" });
    return new GradientSum(settings, options, programs, adding);
  }

  /** The gradients found last, by parameter. */
  get sum(): Residents {
    return this.#set(0);
  }

  #set(index: number): Residents {
    while (this.#sets.length <= index) this.#sets.push(allocateAll(this.#settings.device, this.#parameters));
    return this.#sets[index]!;
  }

  /** Set number `index` as the programs know it, under `prefix`. */
  #tensors(index: number, prefix: string): Map<string, Tensor> {
    const set = this.#set(index);
    return new Map(this.#parameters.map(({ name }) => [`${prefix}${name}`, set.get(name)!.tensor]));
  }

  /** Tokens of a micro-batch. */
  #rows(): number {
    return this.#settings.shape.microBatch * this.#settings.shape.length;
  }

  /**
   * Sums the gradients of all of `share` up, at these `weights`, and writes the negative log-likelihood of each of its labels to
   * `negativeLogLikelihood`. Returns the loss of each micro-batch.
   */
  async find(share: BatchShare, weights: Residents, negativeLogLikelihood: Float32Array): Promise<number[]> {
    const count = share.ids.length / this.#rows();
    assert(Number.isInteger(count), "the micro-batch divides the batch");
    const { lanes, ranks } = this.#options;
    assert(count % lanes === 0, "the lanes have equal shares of the batch");
    const losses = Array.from({ length: count }, () => 0);
    const found = { losses, negativeLogLikelihood };
    const part = { first: 0, count, halvings: halvingsOf(count, ranks), lanes };
    await this.#find(part, { set: 0, lane: 0 }, { share, weights, found });
    return losses;
  }

  /** Sums a part in the set numbered `at.set` and those after it, in the lanes from `at.lane`. */
  async #find(part: Part, at: { readonly set: number; readonly lane: number }, step: Step): Promise<void> {
    if (part.lanes === 1 && part.halvings === 0) {
      await this.#findInOrder(part, at, step);
      return;
    }
    const [first, second] = halvesOf(part);
    const beside =
      part.lanes === 1
        ? { set: at.set + 1, lane: at.lane }
        : { set: at.set + setsOf(first), lane: at.lane + first.lanes };
    if (part.lanes === 1) {
      await this.#find(first, at, step);
      await this.#find(second, beside, step);
    } else await both([this.#find(first, at, step), this.#find(second, beside, step)]);
    const feeds = new Map([...this.#tensors(at.set, "sum."), ...this.#tensors(beside.set, "gradient.")]);
    await this.#adding.run(feeds, this.#tensors(at.set, "next."));
  }

  async #findInOrder(
    { first, count }: Part,
    at: { readonly set: number; readonly lane: number },
    { share, weights, found }: Step,
  ): Promise<void> {
    const rows = this.#rows();
    const into = this.#tensors(at.set, "gradient.");
    const feeds = this.#tensors(at.set, "sum.");
    for (const tensor of this.#set(at.set).values()) await tensor.clear();
    for (const { name } of this.#parameters) feeds.set(name, weights.get(name)!.tensor);
    for (let i = first; i < first + count; i++) {
      this.#feed(share, i, feeds);
      const labels = found.negativeLogLikelihood.subarray(i * rows, (i + 1) * rows);
      into.set("negativeLogLikelihood", float32Tensor(labels, [rows]));
      const loss = float32Tensor(new Float32Array(1), []);
      into.set("loss", loss);
      await this.#programs[at.lane]!.run(feeds, into);
      found.losses[i] = loss.data[0] as number;
    }
  }

  /** Micro-batch `index` of the share. */
  #feed(share: BatchShare, index: number, feeds: Map<string, Tensor>): void {
    const { length, microBatch } = this.#settings.shape;
    const rows = this.#rows();
    const [from, to] = [index * rows, (index + 1) * rows];
    const flat = (data: Int32Array): HostTensor => ({
      dtype: "int32",
      shape: [rows],
      data: data.subarray(from, to),
    });
    const matrix = (data: Int32Array): HostTensor => ({ ...flat(data), shape: [microBatch, length] });
    feeds.set("ids", flat(share.ids));
    feeds.set("labels", flat(share.labels));
    feeds.set("positions", matrix(share.positions));
    feeds.set("segments", matrix(share.segments));
    feeds.set("weights", float32Tensor(share.weights.subarray(from, to), [rows]));
  }

  close(): void {
    for (const set of this.#sets) for (const tensor of set.values()) tensor.release();
    for (const program of [...this.#programs, this.#adding]) program.close();
  }
}
