/**
 * @file Runs a graph in ONNX Runtime. A program keeps nothing between runs but the compiled session; the caller owns
 * the tensors, so that parameters and optimizer states can live in buffers that are written in place of the old ones.
 */
import { assert, FirnError, describeError } from "../core/index.ts";
import { encodeOnnx, type DataType, type Graph, sizeOf } from "../graph/index.ts";
import { BoundNames, OnnxRuntime, type Pointer } from "./onnx-runtime.ts";

export interface ProgramOptions {
  /** Threads inside the session; changes speed, never results. */
  readonly threads: number;
  /** Names the program in errors and profiles. */
  readonly name: string;
  /** Runs on the calling thread, for callers whose event loop would only compete with the run for its core. */
  readonly blocking?: boolean;
  /** Writes ONNX Runtime's per-operator profile (JSON) with this path prefix. */
  readonly profilePrefix?: string;
}

export type TensorData = Float32Array | Int32Array | BigInt64Array | Uint8Array;

/** A tensor in this process's memory. */
export interface HostTensor {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** A zero-filled tensor. */
export function allocate(dtype: DataType, shape: readonly number[]): HostTensor {
  const size = sizeOf(shape);
  const data =
    dtype === "float32"
      ? new Float32Array(size)
      : dtype === "int32"
        ? new Int32Array(size)
        : dtype === "int64"
          ? new BigInt64Array(size)
          : new Uint8Array(size);
  return { dtype, shape, data };
}

/** Wraps `data` without copying it. */
export function float32Tensor(data: Float32Array, shape: readonly number[]): HostTensor {
  return { dtype: "float32", shape, data };
}

export type TensorMap = ReadonlyMap<string, HostTensor>;

/** `ONNXTensorElementDataType`. */
const ELEMENT_TYPE = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;

/** All of ONNX Runtime's own rewriting of graphs. */
const OPTIMIZE_ALL = 99;

/** ONNX Runtime's view of a buffer, freed when the tensor is collected. */
const views = new WeakMap<HostTensor, Pointer>();
const released = new FinalizationRegistry<Pointer>((value) =>
  OnnxRuntime.load().release("releaseValue", value),
);

function viewOf(runtime: OnnxRuntime, tensor: HostTensor): Pointer {
  const known = views.get(tensor);
  if (known !== undefined) return known;
  const { data, shape, dtype } = tensor;
  // Small typed arrays live in the garbage collector's memory, which moves, until their `buffer` is asked for.
  assert(data.buffer.byteLength >= data.byteLength, "a tensor has its memory");
  const sizes = BigInt64Array.from(shape.length === 0 ? [1] : shape, BigInt);
  const value = runtime.create(
    "createTensorWithData",
    runtime.memory,
    data,
    data.byteLength,
    sizes,
    shape.length,
    ELEMENT_TYPE[dtype],
  );
  views.set(tensor, value);
  released.register(tensor, value);
  return value;
}

interface OutputSpec {
  readonly name: string;
  readonly dtype: DataType;
  readonly shape: readonly number[];
}

async function createSession(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  options: ProgramOptions,
): Promise<Pointer> {
  const settings = runtime.create("createSessionOptions");
  try {
    runtime.call("setIntraOpThreads", settings, options.threads);
    runtime.call("setInterOpThreads", settings, 1);
    // A pattern keeps one block for all of a run beside what the first run took piece by piece: a third more memory, no faster.
    runtime.call("disableMemoryPattern", settings);
    runtime.call("setGraphOptimizationLevel", settings, OPTIMIZE_ALL);
    // Waiting threads spin, which is fast inside a run but takes the cores from whatever runs after it.
    runtime.call("addSessionConfig", settings, "session.force_spinning_stop", "1");
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
  readonly #runtime: OnnxRuntime;
  readonly #session: Pointer;
  readonly #profiled: boolean;
  readonly #blocking: boolean;
  readonly #inputNames: readonly string[];
  readonly #outputs: readonly OutputSpec[];
  readonly #boundInputs: BoundNames;
  readonly #boundOutputs: BoundNames;

  private constructor(runtime: OnnxRuntime, session: Pointer, graph: Graph, options: ProgramOptions) {
    this.#runtime = runtime;
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
   * Compiles `graph` for the CPU.
   * @throws FirnError `ENGINE_LIBRARY`, `ENGINE_COMPILE`
   */
  static async compile(graph: Graph, options: ProgramOptions): Promise<Program> {
    const runtime = OnnxRuntime.load();
    try {
      const session = await createSession(runtime, encodeOnnx(graph, options.name), options);
      return new Program(runtime, session, graph, options);
    } catch (cause) {
      throw new FirnError("ENGINE_COMPILE", {
        expected: `ONNX Runtime to accept the graph "${options.name}" (${graph.nodes.length} nodes)`,
        got: describeError(cause),
        next: "Run `firn doctor`; if it finds nothing wrong, report this with the recipe you used.",
        cause,
      });
    }
  }

  /**
   * Runs once. `feeds` must hold every input; `into` may hold buffers for outputs, which are then written in place;
   * other outputs get new buffers. A buffer may be fed and written in the same run only where `assertInPlace` allows it.
   * @throws FirnError `ENGINE_RUN`
   */
  async run(feeds: TensorMap, into: TensorMap = new Map()): Promise<Map<string, HostTensor>> {
    const used: HostTensor[] = [];
    const inputs = new BigUint64Array(this.#inputNames.length);
    for (const [i, name] of this.#inputNames.entries()) {
      const tensor = feeds.get(name);
      assert(tensor !== undefined, `program input ${name} was not fed`);
      inputs[i] = viewOf(this.#runtime, tensor);
      used.push(tensor);
    }
    const results = new Map<string, HostTensor>();
    const outputs = new BigUint64Array(this.#outputs.length);
    for (const [i, { name, dtype, shape }] of this.#outputs.entries()) {
      const tensor = into.get(name) ?? allocate(dtype, shape);
      results.set(name, tensor);
      outputs[i] = viewOf(this.#runtime, tensor);
    }
    try {
      const { addresses } = this.#boundInputs;
      const call = [
        this.#session,
        null,
        addresses,
        inputs,
        inputs.length,
        this.#boundOutputs.addresses,
        outputs.length,
        outputs,
      ] as const;
      if (this.#blocking) this.#runtime.call("run", ...call);
      else await this.#runtime.callAside("run", ...call);
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
      used.length === inputs.length && results.size === outputs.length,
      "every tensor lives until the end",
    );
    return results;
  }

  /** Ends profiling (if it was on) and frees the session. */
  close(): void {
    if (this.#profiled) this.#runtime.endProfiling(this.#session);
    this.#runtime.release("releaseSession", this.#session);
  }
}
