/** @file What one sees of a run while it goes on: a line on the terminal, and `live.json` for the page about runs. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeJsonAtomic } from "../artifacts/index.ts";
import { formatCount, formatPercent } from "../core/index.ts";
import { measureMatmulRate } from "../engine/index.ts";
import { EnergyMeter, type EnergyReading } from "./energy-meter.ts";
import { recentLoss, type RunRecord } from "./run-record.ts";

/** Below so much work the machine is not measured first: it would take longer than the run. */
const LEAST_FLOPS_TO_MEASURE = 2e12;
/** Time between two writings of `live.json` and two readings of the energy counters. */
const REFRESH_MS = 2000;
/** The rate is taken over so many of the last steps. */
const RATE_STEPS = 20;

export interface LiveSettings {
  readonly dir: string;
  readonly threads: number;
  readonly flopsPerToken: number;
  /** Tokens that are still to be trained on. */
  readonly tokens: number;
  readonly steps: number;
}

export function formatEnergy({ joules, estimated }: EnergyReading): string {
  const text = joules < 3600 ? `${joules.toFixed(0)} J` : `${(joules / 3600).toFixed(2)} Wh`;
  return estimated ? `~${text} (estimated)` : text;
}

/** What a session of a run took on this machine. */
export type SessionTaken = {
  readonly seconds: number;
  readonly tokens: number;
  /** Operations per second of large matrix products; null for runs too short to measure it. */
  readonly peakFlops: number | null;
  readonly joules: number;
  readonly energyEstimated: boolean;
};

export class LiveView {
  readonly #settings: LiveSettings;
  readonly #meter: EnergyMeter;
  readonly #clock: () => number;
  /** FLOP/s of large matrix products here; undefined if not measured. */
  readonly #matmulRate: number | undefined;
  readonly #steps: { readonly at: number; readonly tokens: number }[] = [];
  readonly #began: number;
  #energy: EnergyReading;
  #tokens = 0;
  #refreshed = Number.NEGATIVE_INFINITY;

  private constructor(
    settings: LiveSettings,
    meter: EnergyMeter,
    energy: EnergyReading,
    clock: () => number,
    matmulRate: number | undefined,
  ) {
    this.#settings = settings;
    this.#meter = meter;
    this.#energy = energy;
    this.#clock = clock;
    this.#matmulRate = matmulRate;
    this.#began = clock();
    this.#steps.push({ at: this.#began, tokens: 0 });
  }

  static async start(settings: LiveSettings, clock: () => number): Promise<LiveView> {
    const long = settings.flopsPerToken * settings.tokens >= LEAST_FLOPS_TO_MEASURE;
    const matmulRate = long ? await measureMatmulRate(settings.threads) : undefined;
    const meter = await EnergyMeter.start(settings.threads, clock);
    return new LiveView(settings, meter, await meter.read(), clock, matmulRate);
  }

  #rate(): number {
    const [first, last] = [this.#steps[0]!, this.#steps.at(-1)!];
    return (last.tokens - first.tokens) / Math.max(1e-3, (last.at - first.at) / 1000);
  }

  /** Share of the machine's matrix rate that the model's operations reach. */
  #utilisation(): number | undefined {
    const { flopsPerToken } = this.#settings;
    return this.#matmulRate === undefined ? undefined : (this.#rate() * flopsPerToken) / this.#matmulRate;
  }

  /** Takes note of a step of `tokens` tokens and returns the line for the terminal. */
  async step(record: RunRecord, tokens: number): Promise<string> {
    const now = this.#clock();
    this.#tokens += tokens;
    this.#steps.push({ at: now, tokens: this.#tokens });
    if (this.#steps.length > RATE_STEPS + 1) this.#steps.shift();
    if (now - this.#refreshed >= REFRESH_MS) {
      this.#refreshed = now;
      this.#energy = await this.#meter.read();
      await writeJsonAtomic(join(this.#settings.dir, "live.json"), this.#numbers(record));
    }
    return this.#line(record);
  }

  #numbers(record: RunRecord): Record<string, number | boolean | null> {
    const rate = this.#rate();
    return {
      step: record.losses.length,
      steps: this.#settings.steps,
      tokensPerSecond: rate,
      utilisation: this.#utilisation() ?? null,
      secondsLeft: (this.#settings.tokens - this.#tokens) / Math.max(1e-9, rate),
      joules: this.#energy.joules,
      energyEstimated: this.#energy.estimated,
    };
  }

  #line(record: RunRecord): string {
    const utilisation = this.#utilisation();
    const bits = record.bitsPerByte.at(-1);
    return [
      `loss ${recentLoss(record, 10).toFixed(3)}`,
      ...(bits === null || bits === undefined ? [] : [`${bits.toFixed(2)} bits/byte`]),
      `norm ${(record.norms.at(-1) ?? Number.NaN).toFixed(2)}`,
      `lr ${record.rates.at(-1)!.toExponential(1)}`,
      ...(utilisation === undefined ? [] : [`MFU ${formatPercent(utilisation)}`]),
      formatEnergy(this.#energy),
      ...(record.skips.length === 0 ? [] : [`${record.skips.length} skipped`]),
    ].join("  ");
  }

  /** The run's speed and energy in one line; removes `live.json`. */
  async finish(): Promise<string> {
    await rm(join(this.#settings.dir, "live.json"), { force: true });
    const rate = this.#tokens / Math.max(1e-3, (this.#clock() - this.#began) / 1000);
    const flops = rate * this.#settings.flopsPerToken;
    const share = this.#matmulRate === undefined ? "" : ` (MFU ${formatPercent(flops / this.#matmulRate)})`;
    return `${formatCount(rate)} tokens/s, ${formatCount(flops)}FLOP/s${share}, ${formatEnergy(await this.#meter.read())}`;
  }

  /** What this session took so far, for the ledger. */
  async taken(): Promise<SessionTaken> {
    const { joules, estimated } = await this.#meter.read();
    return {
      seconds: (this.#clock() - this.#began) / 1000,
      tokens: this.#tokens,
      peakFlops: this.#matmulRate ?? null,
      joules,
      energyEstimated: estimated,
    };
  }
}
