/**
 * @file Tensors that stay where programs run, from run to run, with a copy in this process's memory that is brought up to date on
 * request. On the processor the two are the same and nothing is copied.
 */
import { Graph, onnx } from "../graph/index.ts";
import { Device, type DeviceName } from "./device.ts";
import { DeviceTensor } from "./device-tensor.ts";
import { Program, type Tensor } from "./program.ts";
import { allocate, float32Tensor, type HostTensor } from "./tensors.ts";

/** By device and shape, a program that copies a tensor; ONNX Runtime moves it to where it is bound. */
const copiers = new Map<string, Promise<Program>>();

function copierOf(device: DeviceName, shape: readonly number[]): Promise<Program> {
  const key = `${device} ${shape.join()}`;
  let copier = copiers.get(key);
  if (copier === undefined) {
    const graph = new Graph();
    graph.output("to", onnx.unary(graph, "Identity", graph.input("from", "float32", shape)));
    copier = Program.compile(graph, { device, threads: 1, name: "copy" });
    copiers.set(key, copier);
  }
  return copier;
}

async function copy(device: DeviceName, from: Tensor, to: Tensor): Promise<void> {
  const copier = await copierOf(device, from.shape);
  await copier.run(new Map([["from", from]]), new Map([["to", to]]));
}

/** By device and shape, a tensor of zeros there. */
const zeros = new Map<string, Promise<DeviceTensor>>();

function zerosOn(device: DeviceName, shape: readonly number[]): Promise<DeviceTensor> {
  const key = `${device} ${shape.join()}`;
  let zero = zeros.get(key);
  if (zero === undefined) {
    zero = (async () => {
      const tensor = new DeviceTensor("float32", shape);
      await copy(device, allocate("float32", shape), tensor);
      return tensor;
    })();
    zeros.set(key, zero);
  }
  return zero;
}

export class ResidentTensor {
  /** The numbers as they were when last copied here; on the processor, as they are. */
  readonly host: HostTensor;
  /** What programs on the device are fed and write. */
  readonly tensor: Tensor;
  readonly #device: DeviceName;

  /** `data` (else zeros) in `host`; on an accelerator nothing before `toDevice` or a run that writes it. */
  constructor(device: DeviceName, shape: readonly number[], data?: Float32Array) {
    this.#device = device;
    this.host = data === undefined ? allocate("float32", shape) : float32Tensor(data, shape);
    this.tensor = Device.of(device).memory === undefined ? this.host : new DeviceTensor("float32", shape);
  }

  /** The flat numbers of `host`. */
  get data(): Float32Array {
    return this.host.data as Float32Array;
  }

  /** Frees the device's memory; must come before the programs that have written it are closed. */
  release(): void {
    if (this.tensor instanceof DeviceTensor) this.tensor.release();
  }

  /** Makes the device's numbers those of `host`. */
  async toDevice(): Promise<void> {
    if (this.tensor !== this.host) await copy(this.#device, this.host, this.tensor);
  }

  /** Makes `host`'s numbers those of the device. */
  async toHost(): Promise<void> {
    if (this.tensor !== this.host) await copy(this.#device, this.tensor, this.host);
  }

  /** Makes the device's numbers zeros. */
  async clear(): Promise<void> {
    if (this.tensor === this.host) this.data.fill(0);
    else await copy(this.#device, await zerosOn(this.#device, this.host.shape), this.tensor);
  }
}
