/**
 * @file What a long piece of work says about itself. Rooms talk to the `Reporter` interface; the command line
 * decides whether that becomes a moving bar on a terminal, plain lines in a log, or nothing.
 */

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
