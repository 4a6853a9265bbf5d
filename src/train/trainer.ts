/**
 * @file A model in training, as the loop sees it: gradients of a batch, then an update. With several ranks it is rank 0
 * that has the trainer; it tells the others what to do (`parallel/join-training.ts`) and does its own share.
 */
import { assert, type Communicator, FirnError, soloCommunicator } from "../core/index.ts";
import type { DeviceName } from "../engine/index.ts";
import {
  graphParameters,
  type ModelConfig,
  stackWeights,
  unstackWeights,
  type Weights,
} from "../model/index.ts";
import type { Batch } from "./batch.ts";
import type { OptimizerConfig } from "./optimizers/create-optimizer.ts";
import { sendShares } from "./parallel/batch-share.ts";
import { sendCommand } from "./parallel/command.ts";
import type { StepShape } from "./gradient-sum.ts";
import { type GradientResult, Replica, type ReplicaSettings } from "./replica.ts";

function checkRanks(parameters: number, ranks: number): void {
  if (ranks <= parameters) return;
  throw new FirnError("TRAIN_RANKS", {
    expected: `at most as many ranks as the model has parameter tensors (${parameters})`,
    got: `${ranks} ranks`,
    next: "Start fewer ranks with more threads each.",
  });
}

export class Trainer {
  readonly #communicator: Communicator;
  readonly #replica: Replica;
  readonly #config: ModelConfig;
  /** A step failed half way: the other ranks are somewhere in it and hear no commands. */
  #torn = false;

  private constructor(communicator: Communicator, replica: Replica, config: ModelConfig) {
    this.#communicator = communicator;
    this.#replica = replica;
    this.#config = config;
  }

  /**
   * Compiles the programs and takes a copy of `weights` (checkpoint names). `state` holds what the optimizer keeps under
   * `<graph name>.<state name>`; left out, it starts at zero.
   *
   * @throws FirnError `TRAIN_RANKS` if there are more ranks than parameters
   */
  static async create(
    config: ModelConfig,
    optimizer: OptimizerConfig,
    shape: StepShape,
    weights: Weights,
    options: {
      readonly threads: number;
      readonly state?: Weights;
      readonly where: string;
      readonly communicator?: Communicator;
      readonly device?: DeviceName;
      /** Micro-batches that go through the model at once (`lanesOf`); for one rank on the processor. */
      readonly lanes?: number;
      readonly profilePrefix?: string;
    },
  ): Promise<Trainer> {
    const { communicator = soloCommunicator, device = "cpu", state } = options;
    checkRanks(graphParameters(config).length, communicator.size);
    const settings: ReplicaSettings = { model: config, optimizer, shape, device };
    const stacked = stackWeights(config, weights, options.where);
    await sendCommand(communicator, { kind: "open", settings, hasState: state !== undefined });
    const replica = await Replica.open(communicator, settings, options);
    await replica.shareWeights(stacked);
    if (state !== undefined) await replica.shareState(state);
    return new Trainer(communicator, replica, config);
  }

  /** The gradients of `batch`. The weights stay as they are until `update`. */
  async gradients(batch: Batch): Promise<GradientResult> {
    const { size } = this.#communicator;
    assert(batch.ids.length % size === 0, "the ranks have equal shares of the batch");
    return this.#whole(async () => {
      await sendCommand(this.#communicator, { kind: "gradients", rows: batch.ids.length / size });
      return this.#replica.gradients(await sendShares(this.#communicator, batch));
    });
  }

  /** Moves the weights along the gradients found last, as step number `step` (from 1). */
  async update(step: number, learningRate: number): Promise<void> {
    await this.#whole(async () => {
      await sendCommand(this.#communicator, { kind: "update", step, learningRate });
      await this.#replica.update(step, learningRate);
    });
  }

  async #whole<T>(work: () => Promise<T>): Promise<T> {
    this.#torn = true;
    const result = await work();
    this.#torn = false;
    return result;
  }

  /** The weights under their checkpoint names; views that the next update writes over. */
  async weights(): Promise<Map<string, Float32Array>> {
    return unstackWeights(this.#config, await this.#replica.weights());
  }

  /** What the optimizer keeps, of all ranks, under `<graph name>.<state name>`; views, as above. */
  async state(): Promise<Map<string, Float32Array>> {
    await sendCommand(this.#communicator, { kind: "state" });
    return this.#replica.gatherState();
  }

  async close(): Promise<void> {
    if (!this.#torn) await sendCommand(this.#communicator, { kind: "close" });
    await this.#replica.close();
  }
}
