/**
 * @file Back-pressure: a fixed number of requests compute, a bounded number wait, and everybody after that is told to come
 * back, with a guess when. Callers take turns: whoever sends a hundred requests waits behind whoever sends one.
 */
import { ApiError } from "./api-error.ts";

/** Call it once the work is over, however it ended. */
export type ReleaseSlot = () => void;

interface Waiter {
  readonly admit: () => void;
}

export class Slots {
  readonly #parallel: number;
  readonly #waitingMax: number;
  /** Each caller's waiters in order of arrival; the caller whose turn is next comes first. */
  readonly #callers = new Map<string, Set<Waiter>>();
  #running = 0;
  #waiting = 0;
  /** Running mean of the time a slot was held, in seconds. */
  #meanSeconds = 1;

  constructor(parallel: number, waitingMax: number) {
    this.#parallel = parallel;
    this.#waitingMax = waitingMax;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Waits for a free slot; throws 429 when the queue is full and `signal.reason` when the client has gone. */
  async acquire(signal: AbortSignal, caller: string): Promise<ReleaseSlot> {
    signal.throwIfAborted();
    if (this.#running < this.#parallel && this.#waiting === 0) {
      this.#running += 1;
    } else if (this.#waiting >= this.#waitingMax) {
      throw this.#busy();
    } else {
      await this.#turn(signal, caller);
    }
    const start = performance.now();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#meanSeconds += 0.2 * ((performance.now() - start) / 1000 - this.#meanSeconds);
      this.#running -= 1;
      this.#admitNext();
    };
  }

  #turn(signal: AbortSignal, caller: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#remove(caller, waiter);
        reject(signal.reason as Error);
      };
      const waiter: Waiter = {
        admit: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      const line = this.#callers.get(caller) ?? new Set();
      line.add(waiter);
      this.#callers.set(caller, line);
      this.#waiting += 1;
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #remove(caller: string, waiter: Waiter): void {
    const line = this.#callers.get(caller);
    if (line?.delete(waiter) !== true) return;
    this.#waiting -= 1;
    if (line.size === 0) this.#callers.delete(caller);
  }

  #admitNext(): void {
    const next = this.#callers.entries().next();
    if (next.done === true || this.#running >= this.#parallel) return;
    const [caller, line] = next.value;
    const [waiter] = line;
    this.#remove(caller, waiter!);
    if (line.size > 0) {
      // To the end of the round.
      this.#callers.delete(caller);
      this.#callers.set(caller, line);
    }
    this.#running += 1;
    waiter!.admit();
  }

  #busy(): ApiError {
    const seconds = Math.max(1, Math.ceil((this.#meanSeconds * this.#waiting) / this.#parallel));
    return new ApiError(429, {
      message: `The server is busy: ${this.#waiting} requests are waiting. Try again in ${seconds} s.`,
      code: "server_busy",
      headers: { "Retry-After": String(Math.min(seconds, 60)) },
    });
  }
}
