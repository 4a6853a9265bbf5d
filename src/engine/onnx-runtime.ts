/**
 * @file ONNX Runtime's C interface (onnxruntime_c_api.h), called in the library that `onnxruntime-node` ships. That package's own
 * JavaScript interface copies every input and output of every run, which for a training step means all parameters, gradients
 * and optimizer states; through the C interface a run works on the caller's buffers.
 */
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import koffi, { type LibraryHandle } from "koffi";
import { assert, FirnError } from "../core/index.ts";

/** An address in the library's memory. */
export type Pointer = bigint;

/** The stack of a call made aside: as much as Linux gives a thread. */
const STACK_BYTES = 8 * 2 ** 20;

// A run's kernels keep blocks of matrices on the stack, and koffi gives calls aside 128 KiB unless told otherwise. It listens
// only before any library is loaded, and an MPI library may be loaded before this one: therefore here, at import.
koffi.config({ async_stack_size: STACK_BYTES });

/** The version of the interface that is asked for; a newer library still serves it. */
const API_VERSION = 17;

/**
 * The functions in use: their place in `struct OrtApi`, which only ever grows at its end, and their parameters. All return
 * a status, except those marked.
 */
const FUNCTIONS = {
  getErrorMessage: [2, ["void *"], "str"],
  createEnv: [3, ["int", "str", "void *"]],
  createSessionFromArray: [8, ["void *", "void *", "size_t", "void *", "void *"]],
  run: [9, ["void *", "void *", "void *", "void *", "size_t", "void *", "size_t", "void *"]],
  createSessionOptions: [10, ["void *"]],
  enableProfiling: [14, ["void *", process.platform === "win32" ? "str16" : "str"]],
  disableMemoryPattern: [17, ["void *"]],
  setGraphOptimizationLevel: [23, ["void *", "int"]],
  setIntraOpThreads: [24, ["void *", "int"]],
  setInterOpThreads: [25, ["void *", "int"]],
  createTensorWithData: [49, ["void *", "void *", "size_t", "void *", "size_t", "int", "void *"]],
  createMemoryInfo: [68, ["str", "int", "int", "int", "void *"]],
  createCpuMemoryInfo: [69, ["int", "int", "void *"]],
  allocatorFree: [76, ["void *", "void *"]],
  defaultAllocator: [78, ["void *"]],
  releaseStatus: [93, ["void *"], "void"],
  releaseSession: [95, ["void *"], "void"],
  releaseValue: [96, ["void *"], "void"],
  releaseSessionOptions: [100, ["void *"], "void"],
  endProfiling: [110, ["void *", "void *", "void *"]],
  availableProviders: [125, ["void *", "void *"]],
  releaseProviders: [126, ["void *", "int"]],
  addSessionConfig: [130, ["void *", "str", "str"]],
  runWithBinding: [133, ["void *", "void *", "void *"]],
  createBinding: [134, ["void *", "void *"]],
  releaseBinding: [135, ["void *"], "void"],
  bindInput: [136, ["void *", "void *", "void *"]],
  bindOutput: [137, ["void *", "void *", "void *"]],
  bindOutputToMemory: [138, ["void *", "void *", "void *"]],
  boundOutputs: [140, ["void *", "void *", "void *", "void *"]],
  appendCuda: [204, ["void *", "void *"]],
  createCudaOptions: [205, ["void *"]],
  releaseCudaOptions: [208, ["void *"], "void"],
  appendProvider: [216, ["void *", "str", "void *", "void *", "size_t"]],
} as const satisfies Record<string, readonly [number, readonly string[], string?]>;

type Argument = Pointer | number | string | ArrayBufferView | null;
type NativeFunction = ((...args: Argument[]) => unknown) & {
  async(...args: [...Argument[], (error: Error | null, result: unknown) => void]): void;
};
type FunctionName = keyof typeof FUNCTIONS;

/** Where the shared library of `onnxruntime-node` lies, or undefined if this platform has none. */
export function findOnnxRuntime(): string | undefined {
  let folder: string;
  try {
    folder = path.dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  } catch {
    return undefined;
  }
  const bin = path.join(folder, "bin");
  if (!existsSync(bin)) return undefined;
  for (const napi of readdirSync(bin)) {
    const place = path.join(bin, napi, process.platform, process.arch);
    if (!existsSync(place)) continue;
    const name = readdirSync(place).find((file) =>
      /^(libonnxruntime\.(so|[\d.]*dylib)|onnxruntime\.dll)/.test(file),
    );
    if (name !== undefined) return path.join(place, name);
  }
  return undefined;
}

/** ONNX Runtime, loaded once per process. */
export class OnnxRuntime {
  static #loaded: OnnxRuntime | undefined;
  readonly version: string;
  /** The library's path. */
  readonly file: string;
  readonly #functions: Readonly<Record<FunctionName, NativeFunction>>;
  /** The process's environment (logging at "error"), plain memory, and the allocator of returned strings. */
  readonly environment: Pointer;
  readonly memory: Pointer;
  readonly #allocator: Pointer;
  /** Held because koffi unloads a library whose handle is collected. */
  readonly #library: LibraryHandle;

  /** @throws FirnError `ENGINE_LIBRARY` */
  static load(): OnnxRuntime {
    OnnxRuntime.#loaded ??= new OnnxRuntime();
    return OnnxRuntime.#loaded;
  }

  private constructor() {
    const file = findOnnxRuntime();
    if (file === undefined) {
      throw new FirnError("ENGINE_LIBRARY", {
        expected: `ONNX Runtime's library in the package onnxruntime-node for ${process.platform} ${process.arch}`,
        got: "none",
        next: "Run `npm ci` again, on Linux, macOS or Windows, x64 or arm64.",
      });
    }
    this.file = file;
    this.#library = koffi.load(file);
    const base = koffi.decode(
      this.#library.func("OrtGetApiBase", "void *", [])(),
      koffi.array("void *", 2),
    ) as [Pointer, Pointer];
    this.version = koffi.call(base[1], koffi.proto("str", [])) as string;
    const api = koffi.call(base[0], koffi.proto("void *", ["uint32_t"]), API_VERSION) as Pointer | null;
    if (api === null) {
      throw new FirnError("ENGINE_LIBRARY", {
        expected: `an ONNX Runtime with version ${API_VERSION} of its C interface (1.${API_VERSION} or later)`,
        got: this.version,
        where: file,
        next: "Run `npm ci` again.",
      });
    }
    const size = Math.max(...Object.values(FUNCTIONS).map(([index]) => index)) + 1;
    const table = koffi.decode(api, koffi.array("void *", size)) as Pointer[];
    this.#functions = Object.fromEntries(
      Object.entries(FUNCTIONS).map(([name, [index, parameters, result = "void *"]]) => [
        name,
        koffi.decode(table[index]!, koffi.proto(result, [...parameters])) as NativeFunction,
      ]),
    ) as Record<FunctionName, NativeFunction>;
    this.environment = this.create("createEnv", 3, "firn");
    this.memory = this.create("createCpuMemoryInfo", 0, 0);
    this.#allocator = this.create("defaultAllocator");
  }

  #check(status: unknown): void {
    if (status === null || status === 0n) return;
    const message = this.#functions.getErrorMessage(status as Pointer) as string;
    this.#functions.releaseStatus(status as Pointer);
    throw new Error(message);
  }

  /** Calls a function that returns a status; throws its message. */
  call(name: FunctionName, ...args: Argument[]): void {
    this.#check(this.#functions[name](...args));
  }

  /** Calls a function whose last parameter receives a pointer, and returns that. */
  create(name: FunctionName, ...args: Argument[]): Pointer {
    const out = new BigUint64Array(1);
    this.call(name, ...args, out);
    return out[0]!;
  }

  /** Calls a function that returns nothing. */
  release(name: Extract<FunctionName, `release${string}`>, pointer: Pointer): void {
    this.#functions[name](pointer);
  }

  /** Calls a function that returns a status on a thread of its own, and keeps every buffer alive until then. */
  callAside(name: FunctionName, ...args: Argument[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#functions[name].async(...args, (error, status) => {
        try {
          // koffi holds this callback, and the callback holds what the library reads and writes meanwhile.
          assert(args.length > 0, "the arguments live until the call has ended");
          if (error !== null) throw error;
          this.#check(status);
          resolve();
        } catch (cause) {
          reject(cause);
        }
      });
    });
  }

  /** The devices it was built for, by ONNX Runtime's names, such as `CPUExecutionProvider`. */
  providers(): string[] {
    const count = new Int32Array(1);
    const list = new BigUint64Array(1);
    this.call("availableProviders", list, count);
    const names = koffi.decode(list[0], koffi.array("str", count[0]!)) as string[];
    this.call("releaseProviders", list[0]!, count[0]!);
    return names;
  }

  /** The values that a run with `binding` has left, in the order in which they were bound; the caller releases them. */
  outputsOf(binding: Pointer): Pointer[] {
    const list = new BigUint64Array(1);
    const count = new BigUint64Array(1);
    this.call("boundOutputs", binding, this.#allocator, list, count);
    if (count[0] === 0n) return [];
    const values = koffi.decode(list[0], koffi.array("void *", Number(count[0]))) as Pointer[];
    this.call("allocatorFree", this.#allocator, list[0]!);
    return values;
  }

  /** Writes the profile of a session that has one. */
  endProfiling(session: Pointer): void {
    const name = this.create("endProfiling", session, this.#allocator);
    this.call("allocatorFree", this.#allocator, name);
  }
}

/** Names as the C interface takes them: an array of pointers to strings, made once. */
export class BoundNames {
  readonly addresses: BigUint64Array;
  /** Holds the strings that the addresses point to. */
  readonly #bytes: Uint8Array;

  constructor(names: readonly string[]) {
    const encoded = names.map((name) => new TextEncoder().encode(`${name}\0`));
    this.#bytes = new Uint8Array(encoded.reduce((total, { length }) => total + length, 1));
    const base = koffi.address(this.#bytes);
    this.addresses = new BigUint64Array(Math.max(1, names.length));
    let at = 0;
    for (const [i, bytes] of encoded.entries()) {
      this.#bytes.set(bytes, at);
      this.addresses[i] = base + BigInt(at);
      at += bytes.length;
    }
    assert(at < this.#bytes.length, "every name has its place");
  }
}
