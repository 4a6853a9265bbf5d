/**
 * @file What a long piece of work says about itself. Rooms talk to the `Reporter` interface; the command line
 * decides whether that becomes a moving bar on a terminal, plain lines in a log, or nothing.
 */

import type { Communicator } from "./communicator.ts";
import type { Json } from "./canonical-json.ts";

/** One measured piece of work. */
export interface ProgressTask {
  /** `done` of the total is finished; `note` is a short live text (a loss, a file name). */
  update(done: number, note?: string): void;
  /** Ends the task; `summary` replaces the bar. */
  finish(summary?: string): void;
}

/** Where rooms send what people should see. */
export interface Reporter {
  /** A line worth keeping. */
  line(text: string): void;
  /** Starts a measured task of `total` `unit`s. */
  task(label: string, total: number, unit: string): ProgressTask;
}

/** Says nothing; for tests and for machine output. */
export const silentReporter: Reporter = {
  line: () => undefined,
  task: () => ({ update: () => undefined, finish: () => undefined }),
};

/**
 * What every long operation gets from its caller: somewhere to report, a way to be stopped, a place for facts,
 * and how much of the machine it may use. `workers` and `threads` never change a byte of the result.
 */
export interface Work {
  readonly report: Reporter;
  /** Aborted on Ctrl-C; the operation stops at its next safe point by throwing `signal.reason`. */
  readonly signal: AbortSignal;
  /** Records a fact in the ledger now. `data` must be the same in every run of the same recipe. */
  fact(kind: string, data: Json): void;
  /**
   * Records what the work took on this machine (seconds, energy). Such figures differ from run to run: they stand in the
   * ledger, and never among the facts that artifacts are made from.
   */
  measured?(data: Json): void;
  /** Worker threads for CPU-heavy data steps. */
  readonly workers: number;
  /** Threads inside one numerical session. */
  readonly threads: number;
  /** The processes that train together, of which this is rank 0; left out: this one alone. */
  readonly communicator?: Communicator;
}
