/**
 * @file Energy of the processor packages by Intel's and AMD's RAPL counters, where the kernel lets one read them
 * (`/sys/class/powercap`); elsewhere an estimate, marked as such.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const POWERCAP = "/sys/class/powercap";
/** Watts of a busy server core with its share of caches and memory; only for the estimate. */
const WATTS_PER_THREAD = 6;

interface Package {
  readonly path: string;
  /** Microjoules after which the counter starts again. */
  readonly range: number;
  last: number;
}

export interface EnergyReading {
  readonly joules: number;
  /** False if it was counted, true if it is threads × time × a usual power. */
  readonly estimated: boolean;
}

async function readCounter(path: string): Promise<number> {
  return Number(await readFile(path, "utf8"));
}

async function openPackages(root: string): Promise<Package[]> {
  try {
    const names = (await readdir(root)).filter((name) => /^[a-z-]*rapl(-mmio)?:\d+$/.test(name));
    return await Promise.all(
      names.map(async (name) => ({
        path: join(root, name, "energy_uj"),
        range: await readCounter(join(root, name, "max_energy_range_uj")),
        last: await readCounter(join(root, name, "energy_uj")),
      })),
    );
  } catch {
    // No such folder, or (usual since 2020) a counter that only root may read.
    return [];
  }
}

export class EnergyMeter {
  readonly #packages: readonly Package[];
  readonly #threads: number;
  readonly #clock: () => number;
  readonly #started: number;
  #microjoules = 0;

  private constructor(packages: readonly Package[], threads: number, clock: () => number) {
    this.#packages = packages;
    this.#threads = threads;
    this.#clock = clock;
    this.#started = clock();
  }

  /** Starts to count. `clock` gives milliseconds; `root` is where the kernel shows the counters. */
  static async start(threads: number, clock: () => number, root = POWERCAP): Promise<EnergyMeter> {
    return new EnergyMeter(await openPackages(root), threads, clock);
  }

  /** Energy since the start. To be read at least once per wrap of the counters, which takes minutes. */
  async read(): Promise<EnergyReading> {
    if (this.#packages.length === 0) {
      const seconds = (this.#clock() - this.#started) / 1000;
      return { joules: seconds * this.#threads * WATTS_PER_THREAD, estimated: true };
    }
    for (const counter of this.#packages) {
      const now = await readCounter(counter.path);
      this.#microjoules += now >= counter.last ? now - counter.last : now + counter.range - counter.last;
      counter.last = now;
    }
    return { joules: this.#microjoules / 1e6, estimated: false };
  }
}
