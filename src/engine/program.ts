/**
 * @file Runs a graph in ONNX Runtime. A program keeps nothing between runs but the compiled session; the caller owns
 * the tensors, so that parameters and optimizer states can live in buffers that are written in place of the old ones.
 */
import * as ort from "onnxruntime-node";
import { assert, FirnError, describeError } from "../core/index.ts";
import { encodeOnnx, type DataType, type Graph, sizeOf } from "../graph/index.ts";

export interface ProgramOptions {
  /** Threads inside the session; changes speed, never results. */
  readonly threads: number;
  /** Names the program in errors and profiles. */
  readonly name: string;
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

export class Program {
  readonly #session: ort.InferenceSession;
  readonly #inputNames: readonly string[];
  readonly #outputs: readonly {
    readonly name: string;
    readonly dtype: DataType;
    readonly shape: readonly number[];
  }[];
  /** One ONNX Runtime tensor per buffer: wrapping is cheap, but a step has hundreds of them. */
  readonly #wrapped = new WeakMap<HostTensor, ort.Tensor>();

  private constructor(session: ort.InferenceSession, graph: Graph) {
    this.#session = session;
    this.#inputNames = graph.inputs.map((input) => input.name);
    this.#outputs = graph.outputs.map(({ name, value }) => ({
      name,
      dtype: value.dtype,
      shape: value.shape,
    }));
  }

  /** Compiles `graph` for the CPU. */
  static async compile(graph: Graph, options: ProgramOptions): Promise<Program> {
    const bytes = encodeOnnx(graph, options.name);
    try {
      const session = await ort.InferenceSession.create(bytes, {
        executionProviders: ["cpu"],
        intraOpNumThreads: options.threads,
        interOpNumThreads: 1,
        executionMode: "sequential",
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
        ...(options.profilePrefix === undefined
          ? {}
          : { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
      });
      return new Program(session, graph);
    } catch (cause) {
      throw new FirnError("ENGINE_COMPILE", {
        expected: `ONNX Runtime to accept the graph "${options.name}" (${graph.nodes.length} nodes)`,
        got: describeError(cause),
        next: "Run `firn doctor`; if it finds nothing wrong, report this with the recipe you used.",
        cause,
      });
    }
  }

  #wrap(tensor: HostTensor): ort.Tensor {
    let wrapped = this.#wrapped.get(tensor);
    if (wrapped === undefined) {
      wrapped = new ort.Tensor(tensor.dtype, tensor.data, tensor.shape);
      this.#wrapped.set(tensor, wrapped);
    }
    return wrapped;
  }

  /**
   * Runs once. `feeds` must hold every input; `into` may hold buffers for outputs, which are then written in place;
   * other outputs get new buffers. A buffer must not be fed and written in the same run.
   */
  async run(feeds: TensorMap, into: TensorMap = new Map()): Promise<Map<string, HostTensor>> {
    const inputs: Record<string, ort.Tensor> = {};
    for (const name of this.#inputNames) {
      const tensor = feeds.get(name);
      assert(tensor !== undefined, `program input ${name} was not fed`);
      inputs[name] = this.#wrap(tensor);
    }
    const results = new Map<string, HostTensor>();
    const fetches: Record<string, ort.Tensor> = {};
    for (const { name, dtype, shape } of this.#outputs) {
      const tensor = into.get(name) ?? allocate(dtype, shape);
      results.set(name, tensor);
      fetches[name] = this.#wrap(tensor);
    }
    try {
      await this.#session.run(inputs, fetches);
    } catch (cause) {
      throw new FirnError("ENGINE_RUN", {
        expected: "ONNX Runtime to run one step",
        got: describeError(cause),
        next: "If memory is short, lower the batch size; else run `firn doctor`.",
        cause,
      });
    }
    return results;
  }

  /** Ends profiling (if it was on) and frees the session. */
  async close(): Promise<void> {
    this.#session.endProfiling();
    await this.#session.release();
  }
}
