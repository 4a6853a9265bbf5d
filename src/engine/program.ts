/**
 * @file Runs a graph in ONNX Runtime. A program keeps nothing between runs but the compiled session; the caller owns
 * the tensors, so that parameters and optimizer states can live in buffers that are written in place of the old ones.
 */
import { assert, FirnError, describeError } from "../core/index.ts";
import { encodeOnnx, type DataType, type Graph } from "../graph/index.ts";
import { Device, type DeviceName } from "./device.ts";
import { DeviceTensor } from "./device-tensor.ts";
import { BoundNames, type OnnxRuntime, type Pointer } from "./onnx-runtime.ts";
import { allocate, type HostTensor, viewOf } from "./tensors.ts";

export interface ProgramOptions {
  /** Threads inside the session; changes speed, never results. */
  readonly threads: number;
  /** Where it runs; the processor unless said otherwise. */
  readonly device?: DeviceName;
  /** Names the program in errors and profiles. */
  readonly name: string;
  /** Runs on the calling thread, for callers whose event loop would only compete with the run for its core. */
  readonly blocking?: boolean;
  /** Writes ONNX Runtime's per-operator profile (JSON) with this path prefix. */
  readonly profilePrefix?: string;
}

export type Tensor = HostTensor | DeviceTensor;
export type TensorMap<T extends Tensor = Tensor> = ReadonlyMap<string, T>;

/** All of ONNX Runtime's own rewriting of graphs. */
const OPTIMIZE_ALL = 99;

interface OutputSpec {
  readonly name: string;
  readonly dtype: DataType;
  readonly shape: readonly number[];
}

async function createSession(device: Device, bytes: Uint8Array, options: ProgramOptions): Promise<Pointer> {
  const { runtime } = device;
  const settings = runtime.create("createSessionOptions");
  try {
    runtime.call("setIntraOpThreads", settings, options.threads);
    runtime.call("setInterOpThreads", settings, 1);
    // A pattern keeps one block for all of a run beside what the first run took piece by piece: a third more memory, no faster.
    runtime.call("disableMemoryPattern", settings);
    runtime.call("setGraphOptimizationLevel", settings, OPTIMIZE_ALL);
    // Waiting threads spin, which is fast inside a run but takes the cores from whatever runs after it.
    runtime.call("addSessionConfig", settings, "session.force_spinning_stop", "1");
    device.configure(settings);
    if (options.profilePrefix !== undefined) runtime.call("enableProfiling", settings, options.profilePrefix);
    const session = new BigUint64Array(1);
    await runtime.callAside(
      "createSessionFromArray",
      runtime.environment,
      bytes,
      bytes.length,
      settings,
      session,
    );
    return session[0]!;
  } finally {
    runtime.release("releaseSessionOptions", settings);
  }
}

export class Program {
  readonly #device: Device;
  readonly #runtime: OnnxRuntime;
  readonly #session: Pointer;
  readonly #profiled: boolean;
  readonly #blocking: boolean;
  readonly #inputNames: readonly string[];
  readonly #outputs: readonly OutputSpec[];
  readonly #boundInputs: BoundNames;
  readonly #boundOutputs: BoundNames;

  private constructor(device: Device, session: Pointer, graph: Graph, options: ProgramOptions) {
    this.#device = device;
    this.#runtime = device.runtime;
    this.#session = session;
    this.#profiled = options.profilePrefix !== undefined;
    this.#blocking = options.blocking === true;
    this.#inputNames = graph.inputs.map((input) => input.name);
    this.#outputs = graph.outputs.map(({ name, value }) => ({
      name,
      dtype: value.dtype,
      shape: value.shape,
    }));
    this.#boundInputs = new BoundNames(this.#inputNames);
    this.#boundOutputs = new BoundNames(this.#outputs.map(({ name }) => name));
  }

  /**
   * Compiles `graph` for a device.
   * @throws FirnError `ENGINE_LIBRARY`, `ENGINE_DEVICE`, `ENGINE_COMPILE`
   */
  static async compile(graph: Graph, options: ProgramOptions): Promise<Program> {
    const device = Device.of(options.device ?? "cpu");
    try {
      const bytes = encodeOnnx(device.lower(graph), options.name);
      return new Program(device, await createSession(device, bytes, options), graph, options);
    } catch (cause) {
      if (cause instanceof FirnError) throw cause;
      throw new FirnError("ENGINE_COMPILE", {
        expected: `ONNX Runtime to accept the graph "${options.name}" (${graph.nodes.length} nodes)`,
        got: describeError(cause),
        next: "Run `firn doctor`; if it finds nothing wrong, report this with the recipe you used.",
        cause,
      });
    }
  }

  /**
   * Runs once. `feeds` must hold every input; `into` may hold tensors for outputs, which are then written in place;
   * other outputs get new ones in this process's memory. In that memory a tensor may be fed and written in the same run only
   * where `assertInPlace` allows it; on a device always, because a run leaves new numbers beside the old.
   * @throws FirnError `ENGINE_RUN`
   */
  async run<T extends Tensor = HostTensor>(
    feeds: TensorMap,
    into: TensorMap<T> = new Map(),
  ): Promise<Map<string, T | HostTensor>> {
    const used = this.#inputNames.map((name) => {
      const tensor = feeds.get(name);
      assert(tensor !== undefined, `program input ${name} was not fed`);
      return tensor;
    });
    const results = new Map<string, T | HostTensor>(
      this.#outputs.map(({ name, dtype, shape }) => [name, into.get(name) ?? allocate(dtype, shape)]),
    );
    try {
      if (this.#device.memory === undefined) await this.#runHere(used, [...results.values()]);
      else await this.#runBound(this.#device.memory, used, results);
    } catch (cause) {
      throw new FirnError("ENGINE_RUN", {
        expected: "ONNX Runtime to run one step",
        got: describeError(cause),
        next: "If memory is short, lower the batch size; else run `firn doctor`.",
        cause,
      });
    }
    // Named here so that neither is collected while the run still reads or writes it.
    assert(
      used.length === this.#inputNames.length && results.size === this.#outputs.length,
      "every tensor lives until the end",
    );
    return results;
  }

  async #runHere(feeds: readonly Tensor[], into: readonly Tensor[]): Promise<void> {
    const views = (tensors: readonly Tensor[]): BigUint64Array =>
      BigUint64Array.from(tensors, (tensor) => this.#valueOf(tensor));
    const [inputs, outputs] = [views(feeds), views(into)];
    const call = [
      this.#session,
      null,
      this.#boundInputs.addresses,
      inputs,
      inputs.length,
      this.#boundOutputs.addresses,
      outputs.length,
      outputs,
    ] as const;
    if (this.#blocking) this.#runtime.call("run", ...call);
    else await this.#runtime.callAside("run", ...call);
  }

  /** With every tensor bound to its place: what is fed from here is copied over, what is written here copied back. */
  async #runBound(
    memory: Pointer,
    feeds: readonly Tensor[],
    into: ReadonlyMap<string, Tensor>,
  ): Promise<void> {
    const binding = this.#runtime.create("createBinding", this.#session);
    try {
      for (const [at, name] of this.#inputNames.entries())
        this.#runtime.call("bindInput", binding, name, this.#valueOf(feeds[at]!));
      for (const [name, tensor] of into) {
        if (tensor instanceof DeviceTensor) this.#runtime.call("bindOutputToMemory", binding, name, memory);
        else this.#runtime.call("bindOutput", binding, name, viewOf(this.#runtime, tensor));
      }
      if (this.#blocking) this.#runtime.call("runWithBinding", this.#session, null, binding);
      else await this.#runtime.callAside("runWithBinding", this.#session, null, binding);
      const tensors = [...into.values()];
      for (const [at, value] of this.#runtime.outputsOf(binding).entries()) {
        const tensor = tensors[at]!;
        if (tensor instanceof DeviceTensor) tensor.take(value);
        else this.#runtime.release("releaseValue", value);
      }
    } finally {
      this.#runtime.release("releaseBinding", binding);
    }
  }

  #valueOf(tensor: Tensor): Pointer {
    if (!(tensor instanceof DeviceTensor)) return viewOf(this.#runtime, tensor);
    assert(tensor.value !== undefined, "a tensor on a device is read after it was written");
    return tensor.value;
  }

  /** Ends profiling (if it was on) and frees the session. */
  close(): void {
    if (this.#profiled) this.#runtime.endProfiling(this.#session);
    this.#runtime.release("releaseSession", this.#session);
  }
}
