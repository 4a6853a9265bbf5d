/**
 * @file Where programs run and tensors stay: the processor, or an accelerator that the installed ONNX Runtime was built for.
 * One interface for all; what a device cannot do or is missing is said when it is opened, before any work.
 */
import { readdirSync } from "node:fs";
import path from "node:path";
import { describeError, FirnError } from "../core/index.ts";
import { type Graph, lowerForWebGpu } from "../graph/index.ts";
import { OnnxRuntime, type Pointer } from "./onnx-runtime.ts";

export const DEVICE_NAMES = ["cpu", "webgpu", "cuda"] as const;
export type DeviceName = (typeof DEVICE_NAMES)[number];

/** What ONNX Runtime calls an accelerator, and what it takes. */
interface Accelerator {
  readonly provider: string;
  readonly memory: string;
  readonly expected: string;
  readonly next: string;
  /** Files that must lie beside ONNX Runtime's library, without the ending that the platform gives them. */
  readonly files: readonly string[];
  append(runtime: OnnxRuntime, settings: Pointer): void;
  lower(graph: Graph): Graph;
}

const ACCELERATORS: Readonly<Record<Exclude<DeviceName, "cpu">, Accelerator>> = {
  webgpu: {
    provider: "WebGpuExecutionProvider",
    memory: "WebGPU_Buf",
    expected: "a graphics adapter with a Vulkan 1.1 (Linux), Metal (macOS) or Direct3D 12 (Windows) driver",
    next: "Install the adapter's driver (on Linux also the Vulkan loader, libvulkan1; `vulkaninfo` lists what it finds), or train with --device cpu.",
    files: [],
    append: (runtime, settings) => runtime.call("appendProvider", settings, "WebGPU", null, null, 0),
    lower: lowerForWebGpu,
  },
  cuda: {
    provider: "CUDAExecutionProvider",
    memory: "Cuda",
    expected: "an NVIDIA GPU with its driver, CUDA 12, cuDNN 9 and ONNX Runtime's CUDA provider",
    next: "On x64 Linux with CUDA 12, `ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node` fetches the provider; else train with --device cpu.",
    files: ["onnxruntime_providers_shared", "onnxruntime_providers_cuda"],
    append(runtime, settings) {
      const options = runtime.create("createCudaOptions");
      try {
        runtime.call("appendCuda", settings, options);
      } finally {
        runtime.release("releaseCudaOptions", options);
      }
    },
    lower: (graph) => graph,
  },
};

/** @throws FirnError `ENGINE_DEVICE` if the installed ONNX Runtime has not got the provider */
function checkBuild(name: DeviceName, runtime: OnnxRuntime, { provider, files, next }: Accelerator): void {
  const where = `--device ${name}`;
  if (!runtime.providers().includes(provider)) {
    throw new FirnError("ENGINE_DEVICE", {
      expected: `an ONNX Runtime built with its ${provider}`,
      got: `${runtime.version} with ${runtime.providers().join(", ")}`,
      where,
      next,
    });
  }
  const folder = path.dirname(runtime.file);
  const beside = readdirSync(folder);
  for (const file of files) {
    if (beside.some((entry) => entry.includes(file))) continue;
    throw new FirnError("ENGINE_DEVICE", {
      expected: `ONNX Runtime's library ${file} in ${folder}`,
      got: "none",
      where,
      next,
    });
  }
}

export class Device {
  readonly name: DeviceName;
  readonly runtime: OnnxRuntime;
  /** ONNX Runtime's description of the memory that tensors stay in; undefined where that is this process's own. */
  readonly memory: Pointer | undefined;
  readonly #accelerator: Accelerator | undefined;

  private constructor(name: DeviceName, runtime: OnnxRuntime, accelerator: Accelerator | undefined) {
    this.name = name;
    this.runtime = runtime;
    this.#accelerator = accelerator;
    // 0, 0, 0: a device allocator, of the first device, for tensors as kernels want them.
    this.memory = accelerator && runtime.create("createMemoryInfo", accelerator.memory, 0, 0, 0);
  }

  static readonly #known = new Map<DeviceName, Device>();

  /** @throws FirnError `ENGINE_LIBRARY`, `ENGINE_DEVICE` if this ONNX Runtime was not built for it */
  static of(name: DeviceName): Device {
    const known = Device.#known.get(name);
    if (known !== undefined) return known;
    const runtime = OnnxRuntime.load();
    const accelerator = name === "cpu" ? undefined : ACCELERATORS[name];
    if (accelerator !== undefined) checkBuild(name, runtime, accelerator);
    const device = new Device(name, runtime, accelerator);
    Device.#known.set(name, device);
    return device;
  }

  /**
   * Puts the device before the processor in a session's settings.
   * @throws FirnError `ENGINE_DEVICE` if what it needs is not on this machine
   */
  configure(settings: Pointer): void {
    const accelerator = this.#accelerator;
    if (accelerator === undefined) return;
    try {
      accelerator.append(this.runtime, settings);
    } catch (cause) {
      throw new FirnError("ENGINE_DEVICE", {
        expected: accelerator.expected,
        // ONNX Runtime puts its source file before what is wrong.
        got: describeError(cause)
          .trim()
          .split("\n")[0]!
          .replace(/^.*? (?=Failed|CUDA|libcu)/, ""),
        where: `--device ${this.name}`,
        next: accelerator.next,
        cause,
      });
    }
  }

  /** The graph in operators that the device has. */
  lower(graph: Graph): Graph {
    return this.#accelerator === undefined ? graph : this.#accelerator.lower(graph);
  }
}
