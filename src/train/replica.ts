/**
 * @file One rank's copy of a model in training: all parameters, the gradients of its share of the batch, and the
 * optimizer state of the parameters it owns. All ranks call the same methods at the same time; a process on its own is
 * one rank that owns everything.
 */
import type { Communicator } from "../core/index.ts";
import { type DeviceName, float32Tensor, Program, ResidentTensor, type Tensor } from "../engine/index.ts";
import { assertInPlace, sizeOf } from "../graph/index.ts";
import { type GraphParameter, graphParameters, type ModelConfig, type Weights } from "../model/index.ts";
import { buildSquaresGraph } from "./gradient-graph.ts";
import { GradientSum, type StepShape } from "./gradient-sum.ts";
import { createOptimizer, type OptimizerConfig } from "./optimizers/create-optimizer.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import type { BatchShare } from "./parallel/batch-share.ts";
import { allGather, gather, type Parts, reduceScatter, scatter } from "./parallel/collectives.ts";
import { assignOwners } from "./parallel/ownership.ts";
import { buildUpdateGraph, scalarInputs, stateNamesOf, updatedNames } from "./update-graph.ts";

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
  readonly squares: Program;
  readonly update: Program;
}

/** Apertus clips the global norm as Megatron-LM does: g ← g·min(1, bound/(‖g‖ + 1e-6)). */
function clipFactor(norm: number, bound: number): number {
  return Math.min(1, bound / (norm + 1e-6));
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
  readonly #gradients: GradientSum;
  #gradientNorm = 0;

  private constructor(
    communicator: Communicator,
    settings: ReplicaSettings,
    optimizer: Optimizer,
    gradients: GradientSum,
    programs: Programs,
    owners: readonly number[],
  ) {
    this.#communicator = communicator;
    this.#settings = settings;
    this.#optimizer = optimizer;
    this.#gradients = gradients;
    this.#programs = programs;
    this.#parameters = graphParameters(settings.model);
    this.#owners = owners;
    const { device } = settings;
    const buffers = new Map(
      this.#parameters.map(({ name, shape }) => [name, new ResidentTensor(device, shape)]),
    );
    for (const parameter of this.#own()) {
      for (const name of stateNamesOf(parameter, optimizer))
        buffers.set(name, new ResidentTensor(device, parameter.shape));
    }
    this.#buffers = buffers;
  }

  /**
   * Compiles the programs of this rank; parameters and states are zero until they are sent or received. `lanes`: how many
   * micro-batches go through the model at once (`lanesOf`).
   */
  static async open(
    communicator: Communicator,
    settings: ReplicaSettings,
    options: { readonly threads: number; readonly lanes?: number; readonly profilePrefix?: string },
  ): Promise<Replica> {
    const { threads, lanes = 1, profilePrefix } = options;
    const optimizer = createOptimizer(settings.optimizer);
    const parameters = graphParameters(settings.model);
    const owners = assignOwners(
      parameters.map(({ shape }) => sizeOf(shape)),
      communicator.size,
    );
    const own = parameters.filter((_, i) => owners[i] === communicator.rank);
    const update = buildUpdateGraph(own, optimizer);
    assertInPlace(update, new Map(updatedNames(own, optimizer).map((name) => [`next.${name}`, name])));
    // Transfers are polled for: that would take the core from a run that is made aside.
    const common = { threads, device: settings.device, blocking: communicator.size > 1 };
    const gradients = await GradientSum.open(settings, {
      threads,
      lanes,
      ranks: communicator.size,
      blocking: common.blocking,
      profilePrefix,
    });
    const programs = {
      squares: await Program.compile(buildSquaresGraph(own), { ...common, name: "gradient norm" }),
      update: await Program.compile(update, { ...common, name: "optimizer" }),
    };
    const replica = new Replica(communicator, settings, optimizer, gradients, programs, owners);
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

  /** The gradients of the whole batch, of which `share` is this rank's. The weights stay as they are until `update`. */
  async gradients(share: BatchShare): Promise<GradientResult> {
    const { rank, size } = this.#communicator;
    const rows = share.ids.length;
    const all = new Float32Array(rank === 0 ? size * rows : rows);
    const negativeLogLikelihood = all.subarray(0, rows);
    const losses = await this.#gradients.find(share, this.#buffers, negativeLogLikelihood);
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
    const set = this.#gradients.sum;
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
      this.#own().map(({ name }) => [`gradient.${name}`, this.#gradients.sum.get(name)!.tensor]),
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
    for (const { name } of this.#own()) feeds.set(`gradient.${name}`, this.#gradients.sum.get(name)!.tensor);
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
    for (const tensor of this.#buffers.values()) tensor.release();
    this.#gradients.close();
    for (const program of Object.values(this.#programs) as Program[]) program.close();
  }
}
