/**
 * @file Back-pressure: a fixed number of requests compute, a bounded number wait in order of arrival, and everybody
 * after that is told to come back, with a guess when.
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
  readonly #waiters = new Set<Waiter>();
  #running = 0;
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
    return this.#waiters.size;
  }

  /** Waits for a free slot; throws 429 when the queue is full and `signal.reason` when the client has gone. */
  async acquire(signal: AbortSignal): Promise<ReleaseSlot> {
    signal.throwIfAborted();
    if (this.#running < this.#parallel && this.#waiters.size === 0) {
      this.#running += 1;
    } else if (this.#waiters.size >= this.#waitingMax) {
      throw this.#busy();
    } else {
      await this.#turn(signal);
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

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter);
        reject(signal.reason as Error);
      };
      const waiter: Waiter = {
        admit: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #admitNext(): void {
    const next = this.#waiters.values().next();
    if (next.done === true || this.#running >= this.#parallel) return;
    this.#waiters.delete(next.value);
    this.#running += 1;
    next.value.admit();
  }

  #busy(): ApiError {
    const seconds = Math.max(1, Math.ceil((this.#meanSeconds * this.#waiters.size) / this.#parallel));
    return new ApiError(429, {
      message: `The server is busy: ${this.#waiters.size} requests are waiting. Try again in ${seconds} s.`,
      code: "server_busy",
      headers: { "Retry-After": String(Math.min(seconds, 60)) },
    });
  }
}
