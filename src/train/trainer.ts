/** @file A model in training: the compiled step and the two sets of buffers it goes back and forth between. */
import { allocate, float32Tensor, type HostTensor, Program } from "../engine/index.ts";
import {
  graphParameters,
  type ModelConfig,
  stackWeights,
  unstackWeights,
  type Weights,
} from "../model/index.ts";
import type { Batch } from "./batch.ts";
import { type AdEMAMixConfig, ademamixScalars } from "./optimizer.ts";
import { buildStepGraph, SCALAR_INPUTS, STATE_NAMES, type StepShape } from "./step-graph.ts";

/** What one step reports. */
export interface StepResult {
  /** Mean negative log-likelihood over the learnt labels, in nats. */
  readonly loss: number;
  /** Global gradient norm before clipping. */
  readonly gradientNorm: number;
  /** Per label, in nats, unweighted. */
  readonly negativeLogLikelihood: Float32Array;
}

export class Trainer {
  readonly #program: Program;
  readonly #config: ModelConfig;
  readonly #optimizer: AdEMAMixConfig & { readonly clipNorm: number };
  readonly #shape: StepShape;
  /** Parameters and optimizer states: read from one set, written to the other, then swapped. */
  #current: Map<string, HostTensor>;
  #next: Map<string, HostTensor>;

  private constructor(
    program: Program,
    config: ModelConfig,
    optimizer: AdEMAMixConfig & { readonly clipNorm: number },
    shape: StepShape,
    current: Map<string, HostTensor>,
  ) {
    this.#program = program;
    this.#config = config;
    this.#optimizer = optimizer;
    this.#shape = shape;
    this.#current = current;
    this.#next = new Map([...current].map(([name, tensor]) => [name, allocate("float32", tensor.shape)]));
  }

  /**
   * Compiles the step and takes over `weights` (checkpoint names). `state` holds the optimizer's moving averages under
   * `<graph name>.<fast|slow|variance>`; left out, they start at zero.
   */
  static async create(
    config: ModelConfig,
    optimizer: AdEMAMixConfig & { readonly clipNorm: number },
    shape: StepShape,
    weights: Weights,
    options: {
      readonly threads: number;
      readonly state?: Weights;
      readonly where: string;
      readonly profilePrefix?: string;
    },
  ): Promise<Trainer> {
    const stacked = stackWeights(config, weights, options.where);
    const current = new Map<string, HostTensor>();
    for (const { name, shape: size } of graphParameters(config)) {
      current.set(name, float32Tensor(stacked.get(name)!, size));
      for (const key of STATE_NAMES) {
        const known = options.state?.get(`${name}.${key}`);
        current.set(
          `${name}.${key}`,
          known === undefined ? allocate("float32", size) : float32Tensor(known, size),
        );
      }
    }
    const { threads, profilePrefix } = options;
    const program = await Program.compile(buildStepGraph(config, optimizer, shape), {
      threads,
      name: "training step",
      ...(profilePrefix === undefined ? {} : { profilePrefix }),
    });
    return new Trainer(program, config, optimizer, shape, current);
  }

  /** Runs step number `step` (from 1) on `batch`. */
  async step(batch: Batch, step: number, learningRate: number): Promise<StepResult> {
    const { batch: sequences, length } = this.#shape;
    const rows = sequences * length;
    const scalars: Record<(typeof SCALAR_INPUTS)[number], number> = {
      learningRate,
      ...ademamixScalars(this.#optimizer, step),
      clipNorm: this.#optimizer.clipNorm,
    };
    const feeds = new Map(this.#current);
    feeds.set("ids", { dtype: "int32", shape: [rows], data: batch.ids });
    feeds.set("labels", { dtype: "int32", shape: [rows], data: batch.labels });
    feeds.set("positions", { dtype: "int32", shape: [sequences, length], data: batch.positions });
    feeds.set("segments", { dtype: "int32", shape: [sequences, length], data: batch.segments });
    feeds.set("weights", float32Tensor(batch.weights, [rows]));
    for (const name of SCALAR_INPUTS) feeds.set(name, float32Tensor(Float32Array.of(scalars[name]), []));
    const into = new Map([...this.#next].map(([name, tensor]) => [`next.${name}`, tensor]));
    const results = await this.#program.run(feeds, into);
    [this.#current, this.#next] = [this.#next, this.#current];
    return {
      loss: results.get("loss")!.data[0] as number,
      gradientNorm: results.get("gradientNorm")!.data[0] as number,
      negativeLogLikelihood: results.get("negativeLogLikelihood")!.data as Float32Array,
    };
  }

  #data(name: string): Float32Array {
    return this.#current.get(name)!.data as Float32Array;
  }

  /** The weights under their checkpoint names; views that the step after the next overwrites. */
  weights(): Map<string, Float32Array> {
    const stacked = new Map(graphParameters(this.#config).map(({ name }) => [name, this.#data(name)]));
    return unstackWeights(this.#config, stacked);
  }

  /** The optimizer's moving averages under `<graph name>.<fast|slow|variance>`; views, as above. */
  state(): Map<string, Float32Array> {
    const state = new Map<string, Float32Array>();
    for (const { name } of graphParameters(this.#config)) {
      for (const key of STATE_NAMES) state.set(`${name}.${key}`, this.#data(`${name}.${key}`));
    }
    return state;
  }

  async close(): Promise<void> {
    await this.#program.close();
  }
}
