/**
 * @file One rank's copy of a model in training: all parameters, the gradients of its share of the batch, and the
 * optimizer state of the parameters it owns. All ranks call the same methods at the same time; a process on its own is
 * one rank that owns everything.
 */
import { assert, type Communicator } from "../core/index.ts";
import {
  type DeviceName,
  float32Tensor,
  type HostTensor,
  Program,
  ResidentTensor,
  type Tensor,
} from "../engine/index.ts";
import { assertInPlace, sizeOf } from "../graph/index.ts";
import { type GraphParameter, graphParameters, type ModelConfig, type Weights } from "../model/index.ts";
import { buildGradientGraph, buildSquaresGraph, buildSumGraph } from "./gradient-graph.ts";
import { createOptimizer, type OptimizerConfig } from "./optimizers/create-optimizer.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import type { BatchShare } from "./parallel/batch-share.ts";
import { allGather, gather, type Parts, reduceScatter, scatter } from "./parallel/collectives.ts";
import { assignOwners } from "./parallel/ownership.ts";
import { buildUpdateGraph, scalarInputs, stateNamesOf, updatedNames } from "./update-graph.ts";

/** How much of a step's batch goes through the model at once. */
export interface StepShape {
  /** Tokens in a sequence. */
  readonly length: number;
  /** Sequences in a micro-batch, whose gradients are summed up; bounds memory. */
  readonly microBatch: number;
  /** Rows whose logits exist at the same time; bounds memory. */
  readonly lossChunkRows: number;
}

/** What all ranks must agree on. */
export interface ReplicaSettings {
  readonly model: ModelConfig;
  readonly optimizer: OptimizerConfig;
  readonly shape: StepShape;
  /** Where every rank computes. */
  readonly device: DeviceName;
}

/** What is known of a step before it changes the weights. */
export interface GradientResult {
  /** Mean negative log-likelihood over the learnt labels of all ranks, in nats. */
  readonly loss: number;
  /** Global gradient norm before clipping. */
  readonly gradientNorm: number;
  /** Per label, in nats, unweighted; on rank 0 of all ranks, elsewhere of the own share. */
  readonly negativeLogLikelihood: Float32Array;
}

interface Programs {
  readonly gradients: Program;
  readonly sum: Program;
  readonly squares: Program;
  readonly update: Program;
}

/**
 * How often the micro-batches are divided into halves whose gradients are summed apart. Two and four ranks divide them
 * in the same way and therefore come to the same bits as one. Each division costs one more set of gradients.
 */
const HALVINGS = 2;

/** Apertus clips the global norm as Megatron-LM does: g ← g·min(1, bound/(‖g‖ + 1e-6)). */
function clipFactor(norm: number, bound: number): number {
  return Math.min(1, bound / (norm + 1e-6));
}

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

/** Sets of gradients that a rank holds while it sums up those of its `count` micro-batches. */
export function gradientSets(count: number, ranks: number): number {
  return 1 + halvingsOf(count, ranks);
}

type Residents = Map<string, ResidentTensor>;

function allocateAll(device: DeviceName, parameters: readonly GraphParameter[]): Residents {
  return new Map(parameters.map(({ name, shape }) => [name, new ResidentTensor(device, shape)]));
}

/** Copies `tensors` one after the other; on the processor there is nothing to do. */
async function each(
  tensors: Iterable<ResidentTensor>,
  copy: (tensor: ResidentTensor) => Promise<void>,
): Promise<void> {
  for (const tensor of tensors) await copy(tensor);
}

export class Replica {
  readonly #communicator: Communicator;
  readonly #settings: ReplicaSettings;
  readonly #optimizer: Optimizer;
  readonly #programs: Programs;
  readonly #parameters: readonly GraphParameter[];
  /** By parameter, the rank that updates it. */
  readonly #owners: readonly number[];
  /** Parameters, and what the optimizer keeps of the own ones; written in place. */
  readonly #buffers: ReadonlyMap<string, ResidentTensor>;
  /** Gradients by parameter; further sets hold the second halves of a larger sum. */
  readonly #gradients: Residents[];
  #gradientNorm = 0;

  private constructor(
    communicator: Communicator,
    settings: ReplicaSettings,
    optimizer: Optimizer,
    programs: Programs,
    owners: readonly number[],
  ) {
    this.#communicator = communicator;
    this.#settings = settings;
    this.#optimizer = optimizer;
    this.#programs = programs;
    this.#parameters = graphParameters(settings.model);
    this.#owners = owners;
    const { device } = settings;
    const buffers = allocateAll(device, this.#parameters);
    for (const parameter of this.#own()) {
      for (const name of stateNamesOf(parameter, optimizer))
        buffers.set(name, new ResidentTensor(device, parameter.shape));
    }
    this.#buffers = buffers;
    this.#gradients = [allocateAll(device, this.#parameters)];
  }

  /** Compiles the programs of this rank; parameters and states are zero until they are sent or received. */
  static async open(
    communicator: Communicator,
    settings: ReplicaSettings,
    options: { readonly threads: number; readonly profilePrefix?: string },
  ): Promise<Replica> {
    const { length, microBatch: sequences, lossChunkRows } = settings.shape;
    const { threads, profilePrefix } = options;
    const optimizer = createOptimizer(settings.optimizer);
    const parameters = graphParameters(settings.model);
    const owners = assignOwners(
      parameters.map(({ shape }) => sizeOf(shape)),
      communicator.size,
    );
    const own = parameters.filter((_, i) => owners[i] === communicator.rank);
    const gradients = buildGradientGraph(settings.model, { sequences, length, lossChunkRows });
    const sum = buildSumGraph(parameters);
    const update = buildUpdateGraph(own, optimizer);
    assertInPlace(gradients, new Map(parameters.map(({ name }) => [`gradient.${name}`, `sum.${name}`])));
    assertInPlace(sum, new Map(parameters.map(({ name }) => [`next.${name}`, `sum.${name}`])));
    assertInPlace(update, new Map(updatedNames(own, optimizer).map((name) => [`next.${name}`, name])));
    // Transfers are polled for: that would take the core from a run that is made aside.
    const common = { threads, device: settings.device, blocking: communicator.size > 1 };
    const programs = {
      gradients: await Program.compile(gradients, {
        ...common,
        name: "gradients",
        ...(profilePrefix === undefined ? {} : { profilePrefix }),
      }),
      sum: await Program.compile(sum, { ...common, name: "gradient sum" }),
      squares: await Program.compile(buildSquaresGraph(own), { ...common, name: "gradient norm" }),
      update: await Program.compile(update, { ...common, name: "optimizer" }),
    };
    const replica = new Replica(communicator, settings, optimizer, programs, owners);
    await each(replica.#buffers.values(), (tensor) => tensor.toDevice());
    return replica;
  }

  #own(): GraphParameter[] {
    return this.#parameters.filter((_, i) => this.#owners[i] === this.#communicator.rank);
  }

  /** Arrays of each parameter, by owner and in the parameters' order. */
  #partsOf(arrays: (parameter: GraphParameter) => readonly Float32Array[]): Parts {
    return Array.from({ length: this.#communicator.size }, (_, rank) =>
      this.#parameters.filter((_, i) => this.#owners[i] === rank).flatMap(arrays),
    );
  }

  #data(name: string): Float32Array {
    return this.#buffers.get(name)!.data;
  }

  /** Set number `level` of gradients as the programs know them, under `prefix`. */
  #gradientSet(level: number, prefix: string): Map<string, Tensor> {
    if (this.#gradients.length === level)
      this.#gradients.push(allocateAll(this.#settings.device, this.#parameters));
    return new Map(
      this.#parameters.map(({ name }) => [`${prefix}${name}`, this.#gradients[level]!.get(name)!.tensor]),
    );
  }

  /** Tokens of a micro-batch. */
  #rows(): number {
    return this.#settings.shape.microBatch * this.#settings.shape.length;
  }

  /**
   * The gradients of some micro-batches, summed in the set of `level`, by halves `halvings` times and one after the
   * other below; adds their losses to `found`.
   */
  async #sum(
    share: BatchShare,
    found: { readonly losses: number[]; readonly negativeLogLikelihood: Float32Array },
    range: {
      readonly first: number;
      readonly count: number;
      readonly level: number;
      readonly halvings: number;
    },
  ): Promise<void> {
    const { first, count, level, halvings } = range;
    if (halvings === 0) {
      await this.#sumInOrder(share, found, range);
      return;
    }
    const half = { ...range, count: count / 2, halvings: halvings - 1 };
    await this.#sum(share, found, half);
    await this.#sum(share, found, { ...half, first: first + half.count, level: level + 1 });
    await this.#addSet(level);
  }

  /** Adds the set after `level` to that of `level`. */
  async #addSet(level: number): Promise<void> {
    const feeds = new Map([
      ...this.#gradientSet(level, "sum."),
      ...this.#gradientSet(level + 1, "gradient."),
    ]);
    await this.#programs.sum.run(feeds, this.#gradientSet(level, "next."));
  }

  async #sumInOrder(
    share: BatchShare,
    found: { readonly losses: number[]; readonly negativeLogLikelihood: Float32Array },
    { first, count, level }: { readonly first: number; readonly count: number; readonly level: number },
  ): Promise<void> {
    const rows = this.#rows();
    const into = this.#gradientSet(level, "gradient.");
    const feeds = this.#gradientSet(level, "sum.");
    await each(this.#gradients[level]!.values(), (tensor) => tensor.clear());
    for (const { name } of this.#parameters) feeds.set(name, this.#buffers.get(name)!.tensor);
    for (let i = first; i < first + count; i++) {
      this.#feed(share, i, feeds);
      const labels = found.negativeLogLikelihood.subarray(i * rows, (i + 1) * rows);
      into.set("negativeLogLikelihood", float32Tensor(labels, [rows]));
      const loss = float32Tensor(new Float32Array(1), []);
      into.set("loss", loss);
      await this.#programs.gradients.run(feeds, into);
      found.losses.push(loss.data[0] as number);
    }
  }

  /** Micro-batch `index` of this rank's share. */
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

  /** The gradients of the whole batch, of which `share` is this rank's. The weights stay as they are until `update`. */
  async gradients(share: BatchShare): Promise<GradientResult> {
    const { rank, size } = this.#communicator;
    const rows = share.ids.length;
    const count = rows / this.#rows();
    assert(Number.isInteger(count), "the micro-batch divides the batch");
    const all = new Float32Array(rank === 0 ? size * rows : rows);
    const negativeLogLikelihood = all.subarray(0, rows);
    const losses: number[] = [];
    const halvings = halvingsOf(count, size);
    await this.#sum(share, { losses, negativeLogLikelihood }, { first: 0, count, level: 0, halvings });
    await this.#shareGradients();
    const numbers = await this.#exchangeNumbers(losses);
    this.#gradientNorm = Math.sqrt(numbers.squares);
    const labels = Array.from({ length: size }, (_, from) =>
      rank === 0 || from === rank
        ? [from === rank ? negativeLogLikelihood : all.subarray(from * rows, (from + 1) * rows)]
        : [],
    );
    await gather(this.#communicator, labels);
    return { loss: numbers.loss, gradientNorm: this.#gradientNorm, negativeLogLikelihood: all };
  }

  /** Sums the gradients of all ranks up, each where its parameter is updated. */
  async #shareGradients(): Promise<void> {
    if (this.#communicator.size === 1) return;
    const set = this.#gradients[0]!;
    await each(set.values(), (tensor) => tensor.toHost());
    await reduceScatter(
      this.#communicator,
      this.#partsOf(({ name }) => [set.get(name)!.data]),
    );
    await each(
      this.#own().map(({ name }) => set.get(name)!),
      (tensor) => tensor.toDevice(),
    );
  }

  /** The loss and the sum of all gradients' squares, added up in the same order on every rank. */
  async #exchangeNumbers(losses: readonly number[]): Promise<{ loss: number; squares: number }> {
    const { rank, size } = this.#communicator;
    const feeds = new Map(
      this.#own().map(({ name }) => [`gradient.${name}`, this.#gradients[0]!.get(name)!.tensor]),
    );
    const results = await this.#programs.squares.run(feeds);
    // Per rank: the loss of each micro-batch, then the sum of squares of each parameter, which only its owner knows.
    const squares = this.#parameters.map(
      ({ name }) => (results.get(`squares.${name}`)?.data[0] as number | undefined) ?? 0,
    );
    const numbers = Array.from(
      { length: size },
      () => new Float64Array(losses.length + this.#parameters.length),
    );
    numbers[rank]!.set([...losses, ...squares]);
    await allGather(
      this.#communicator,
      numbers.map((row) => [row]),
    );
    const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
    return {
      loss: sum(numbers.flatMap((row) => [...row.subarray(0, losses.length)])),
      squares: sum(this.#parameters.map((_, i) => numbers[this.#owners[i]!]![losses.length + i]!)),
    };
  }

  /** Moves the weights along the gradients found last, as step number `step` (from 1). */
  async update(step: number, learningRate: number): Promise<void> {
    const scalars: Readonly<Record<string, number>> = {
      ...this.#optimizer.scalars(step),
      learningRate,
      clip: clipFactor(this.#gradientNorm, this.#settings.optimizer.clipNorm),
    };
    const feeds = new Map<string, Tensor>();
    const into = new Map<string, Tensor>();
    for (const name of scalarInputs(this.#optimizer))
      feeds.set(name, float32Tensor(Float32Array.of(scalars[name]!), []));
    for (const { name } of this.#own()) feeds.set(`gradient.${name}`, this.#gradients[0]!.get(name)!.tensor);
    for (const name of updatedNames(this.#own(), this.#optimizer)) {
      feeds.set(name, this.#buffers.get(name)!.tensor);
      into.set(`next.${name}`, this.#buffers.get(name)!.tensor);
    }
    await this.#programs.update.run(feeds, into);
    if (this.#communicator.size === 1) return;
    await each(
      this.#own().map(({ name }) => this.#buffers.get(name)!),
      (tensor) => tensor.toHost(),
    );
    await allGather(
      this.#communicator,
      this.#partsOf(({ name }) => [this.#data(name)]),
    );
    await each(this.#parameterTensors(), (tensor) => tensor.toDevice());
  }

  #parameterTensors(): ResidentTensor[] {
    return this.#parameters.map(({ name }) => this.#buffers.get(name)!);
  }

  #stateTensors(): ResidentTensor[] {
    return this.#own().flatMap((parameter) =>
      stateNamesOf(parameter, this.#optimizer).map((name) => this.#buffers.get(name)!),
    );
  }

  /** Parameters by graph name; views that the next update writes over. */
  async weights(): Promise<Map<string, Float32Array>> {
    await each(this.#parameterTensors(), (tensor) => tensor.toHost());
    return new Map(this.#parameters.map(({ name }) => [name, this.#data(name)]));
  }

  /** Rank 0 takes over `weights` (graph names) and hands them to all; the others say nothing and get them. */
  async shareWeights(weights?: Weights): Promise<void> {
    for (const { name } of this.#parameters) {
      if (weights !== undefined) this.#data(name).set(weights.get(name)!);
      await this.#communicator.broadcast(this.#data(name), 0);
    }
    await each(this.#parameterTensors(), (tensor) => tensor.toDevice());
  }

  /** Rank 0 hands every rank the optimizer state of its parameters; the others say nothing and get theirs. */
  async shareState(state?: Weights): Promise<void> {
    if (state === undefined) await scatter(this.#communicator, this.#ownState());
    else {
      const namesOf = (parameter: GraphParameter): string[] => stateNamesOf(parameter, this.#optimizer);
      for (const name of this.#own().flatMap(namesOf)) this.#data(name).set(state.get(name)!);
      await scatter(
        this.#communicator,
        this.#partsOf((parameter) => namesOf(parameter).map((name) => state.get(name)!)),
      );
    }
    await each(this.#stateTensors(), (tensor) => tensor.toDevice());
  }

  /** This rank's optimizer state; of the others', which it does not have, nothing. */
  #ownState(): Parts {
    const own = this.#own().flatMap((parameter) => stateNamesOf(parameter, this.#optimizer));
    return Array.from({ length: this.#communicator.size }, (_, rank) =>
      rank === this.#communicator.rank ? own.map((name) => this.#data(name)) : [],
    );
  }

  /** On rank 0 the whole optimizer state by name (views of what it owns itself), elsewhere nothing. */
  async gatherState(): Promise<Map<string, Float32Array>> {
    await each(this.#stateTensors(), (tensor) => tensor.toHost());
    const state = new Map<string, Float32Array>();
    if (this.#communicator.rank !== 0) {
      await gather(this.#communicator, this.#ownState());
      return state;
    }
    for (const parameter of this.#parameters) {
      for (const name of stateNamesOf(parameter, this.#optimizer)) {
        const known = this.#buffers.has(name);
        state.set(name, known ? this.#data(name) : new Float32Array(sizeOf(parameter.shape)));
      }
    }
    await gather(
      this.#communicator,
      this.#partsOf((parameter) => stateNamesOf(parameter, this.#optimizer).map((name) => state.get(name)!)),
    );
    return state;
  }

  async close(): Promise<void> {
    for (const tensors of [this.#buffers, ...this.#gradients])
      for (const tensor of tensors.values()) tensor.release();
    for (const program of Object.values(this.#programs) as Program[]) program.close();
  }
}
