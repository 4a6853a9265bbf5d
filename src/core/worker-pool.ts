/**
 * @file CPU-heavy work on several threads with results in the order of the items, so that one worker and eight give
 * the same bytes. The work lives in a module of its own (the entry) that calls `serveItems`; the caller maps items
 * through it with `mapOrdered`.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { parentPort, type Transferable, Worker, workerData } from "node:worker_threads";
import { assert, BugError, describeError, type ErrorCode, type ErrorParts, FirnError } from "./errors.ts";

/** An error as it crosses between threads, where classes are lost. */
interface CarriedError {
  readonly message: string;
  readonly stack: string | undefined;
  readonly bug: boolean;
  readonly code: ErrorCode | undefined;
  readonly parts: Omit<ErrorParts, "cause"> | undefined;
}

type Answer = { readonly result: unknown } | { readonly error: CarriedError };

function packError(error: unknown): CarriedError {
  const firn = error instanceof FirnError ? error : undefined;
  let parts: Omit<ErrorParts, "cause"> | undefined;
  if (firn !== undefined) {
    const { cause: _, ...plain } = firn.parts;
    parts = plain;
  }
  return {
    message: describeError(error),
    stack: error instanceof Error ? error.stack : undefined,
    bug: error instanceof BugError,
    code: firn?.code,
    parts,
  };
}

function unpackError({ message, stack, bug, code, parts }: CarriedError): Error {
  if (code !== undefined && parts !== undefined) {
    const cause = new Error("in a worker thread");
    if (stack !== undefined) cause.stack = stack;
    return new FirnError(code, { ...parts, cause });
  }
  const error = bug ? new BugError("") : new Error(message);
  error.message = message;
  if (stack !== undefined) error.stack = stack;
  return error;
}

/**
 * Called once by a worker's entry module: answers each item with `handle(item)`, one at a time. `handle` must depend
 * on nothing but the item and the worker data, because which worker gets which item is left to chance.
 *
 * @param transfer names the buffers inside a result that may be moved instead of copied
 */
export function serveItems<Item, Result, Data = undefined>(
  handle: (item: Item, data: Data) => Result | Promise<Result>,
  transfer: (result: Result) => readonly Transferable[] = () => [],
): void {
  const port = parentPort;
  if (port === null) throw new BugError("a worker's entry module was loaded outside a worker");
  let last = Promise.resolve();
  port.on("message", (item: Item) => {
    last = last.then(async () => {
      try {
        const result = await handle(item, workerData as Data);
        port.postMessage({ result } satisfies Answer, [...transfer(result)]);
      } catch (error) {
        port.postMessage({ error: packError(error) } satisfies Answer);
      }
    });
  });
}

export interface PoolOptions {
  /** Number of threads, at least 1. Never changes the results. */
  readonly workers: number;
  /** Given to every worker once (structured clone; shared buffers are shared). */
  readonly workerData?: unknown;
  /** When aborted, the mapping throws the signal's reason and the threads end. */
  readonly signal?: AbortSignal;
}

/**
 * Starts a worker thread on the module `entry`, which may be TypeScript when Firn runs from source (tests): tsx has to
 * be registered inside the thread then, because Node does not pass its parent's loaders on.
 */
export function startWorker(entry: URL, data: unknown): Worker {
  if (!entry.pathname.endsWith(".ts")) return new Worker(entry, { workerData: data, execArgv: [] });
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx/esm/api")).href.replace(
    /\.cjs$/,
    ".mjs",
  );
  const boot = `import { register } from ${JSON.stringify(tsx)};
    register();
    await import(${JSON.stringify(entry.href)});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(boot)}`), {
    workerData: data,
    execArgv: [],
  });
}

/** Items handed out per worker beyond what the caller has taken: enough to keep it busy, little to hold in memory. */
const AHEAD_PER_WORKER = 3;

interface Slot {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** One thread on a module that calls `serveItems`, and the items it has not answered yet, oldest first. */
export class PoolWorker {
  readonly #worker: Worker;
  readonly #slots: Slot[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(entry: URL, data: unknown) {
    this.#worker = startWorker(entry, data);
    this.#worker.on("message", (answer: Answer) => {
      const slot = this.#slots.shift();
      if ("error" in answer) slot?.reject(unpackError(answer.error));
      else slot?.resolve(answer.result);
    });
    this.#worker.on("error", (error) => {
      this.fail(
        "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY"
          ? new FirnError("WORKER_MEMORY", {
              expected: "a worker thread that fits into memory",
              got: "one that ran out of it",
              next: "Use fewer workers (--workers 1), or split very large documents.",
              cause: error,
            })
          : error,
      );
    });
    this.#worker.on("exit", (code) =>
      this.fail(new BugError(`a worker thread ended early with code ${code}`)),
    );
  }

  get load(): number {
    return this.#slots.length;
  }

  /** What the module makes of `item`, after all items before it. */
  ask(item: unknown): Promise<unknown> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    return new Promise((resolve, reject) => {
      this.#slots.push({ resolve, reject });
      this.#worker.postMessage(item);
    });
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const slot of this.#slots.splice(0)) slot.reject(this.#failure.error);
  }

  async end(): Promise<void> {
    this.fail(new BugError("a worker pool was used after its end"));
    await this.#worker.terminate();
  }
}

/**
 * Sends every item through the worker module `entry` and yields the results in the order of the items. At most a few
 * items per worker are under way, so a slow taker holds back the source. An error in the source, in a worker or on
 * abort is thrown at its item's turn, after the results before it; FirnErrors keep their code and parts.
 *
 * @throws FirnError `WORKER_MEMORY` when a thread ran out of memory, and whatever the worker threw
 */
export async function* mapOrdered<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  entry: URL,
  options: PoolOptions,
): AsyncGenerator<Result, void, undefined> {
  const { workers, signal } = options;
  assert(Number.isInteger(workers) && workers >= 1, `a pool needs at least one worker, not ${workers}`);
  signal?.throwIfAborted();
  const pool: PoolWorker[] = [];
  const waiting: Promise<unknown>[] = [];
  const abort = (): void => {
    for (const worker of pool) worker.fail(signal?.reason);
  };
  signal?.addEventListener("abort", abort);
  const wait = (answer: Promise<unknown>): void => {
    // Its turn to be awaited comes later; until then a rejection must not count as unhandled.
    answer.catch(() => undefined);
    waiting.push(answer);
  };
  const ask = (item: Item): void => {
    let worker = pool.reduce<PoolWorker | undefined>(
      (best, next) => (best === undefined || next.load < best.load ? next : best),
      undefined,
    );
    if (worker === undefined || (worker.load > 0 && pool.length < workers)) {
      worker = new PoolWorker(entry, options.workerData);
      pool.push(worker);
    }
    wait(worker.ask(item));
  };
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let more = true;
  try {
    while (more || waiting.length > 0) {
      signal?.throwIfAborted();
      if (!more || waiting.length >= workers * AHEAD_PER_WORKER) {
        yield (await waiting.shift()) as Result;
        continue;
      }
      try {
        const next = await source.next();
        if (next.done === true) more = false;
        else ask(next.value);
      } catch (error) {
        more = false;
        wait(Promise.reject(error));
      }
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    await Promise.all(pool.map((worker) => worker.end()));
    if (more) await source.return?.();
  }
}
