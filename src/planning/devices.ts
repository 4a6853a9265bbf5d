/** @file The machines a plan can be made for. Rates are dense bf16 from the makers' data sheets, without sparsity. */
import { FirnError, nearestName } from "../core/index.ts";

/** One accelerator, or one whole CPU machine. */
export interface Device {
  readonly name: string;
  /** Operations per second at the precision that training uses there. */
  readonly flopsPerSecond: number;
  /** Memory that weights, states and activations must fit into. */
  readonly memoryBytes: number;
  /** Draw assumed while training, in watts; null where nobody measured it. */
  readonly averageWatts: number | null;
  /** Power limit, in watts; null where unknown. */
  readonly maximumWatts: number | null;
  /** Where the numbers come from. */
  readonly source: string;
}

const GB = 1e9;

/** Accelerators by the name people type. */
export const DEVICES: { readonly [name: string]: Device } = {
  gh200: {
    name: "GH200",
    flopsPerSecond: 989e12,
    memoryBytes: 96 * GB,
    averageWatts: 560,
    maximumWatts: 660,
    source: "NVIDIA GH200 data sheet; module draw and cap on Alps: Apertus technical report §6.2",
  },
  h100: {
    name: "H100 SXM",
    flopsPerSecond: 989e12,
    memoryBytes: 80 * GB,
    averageWatts: 700,
    maximumWatts: 700,
    source: "NVIDIA H100 data sheet; draw taken at the limit, board only",
  },
  h200: {
    name: "H200 SXM",
    flopsPerSecond: 989e12,
    memoryBytes: 141 * GB,
    averageWatts: 700,
    maximumWatts: 700,
    source: "NVIDIA H200 data sheet; draw taken at the limit, board only",
  },
  a100: {
    name: "A100 SXM 80GB",
    flopsPerSecond: 312e12,
    memoryBytes: 80 * GB,
    averageWatts: 400,
    maximumWatts: 400,
    source: "NVIDIA A100 data sheet; draw taken at the limit, board only",
  },
};

/**
 * The device people call `name` (case does not matter).
 * @throws FirnError `PLANNING_UNKNOWN_DEVICE`.
 */
export function findDevice(name: string): Device {
  const key = name.toLowerCase();
  const device = Object.hasOwn(DEVICES, key) ? DEVICES[key] : undefined;
  if (device !== undefined) return device;
  const near = nearestName(key, Object.keys(DEVICES));
  throw new FirnError("PLANNING_UNKNOWN_DEVICE", {
    expected: `one of ${Object.keys(DEVICES).join(", ")}`,
    got: JSON.stringify(name),
    next: near === undefined ? "Choose one of these names." : `Did you mean ${near}?`,
  });
}

/** A CPU machine, described by its own measured rate of large fp32 matrix products. */
export function cpuDevice(options: {
  readonly name: string;
  /** Operations per second of the best large matrix product, measured on this machine. */
  readonly measuredFlopsPerSecond: number;
  readonly memoryBytes: number;
  /** Draw of the whole machine while training, if somebody measured it. */
  readonly averageWatts?: number;
}): Device {
  return {
    name: options.name,
    flopsPerSecond: options.measuredFlopsPerSecond,
    memoryBytes: options.memoryBytes,
    averageWatts: options.averageWatts ?? null,
    maximumWatts: null,
    source: "large fp32 matrix product measured on this machine",
  };
}
