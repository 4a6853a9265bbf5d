/**
 * @file The sequences of one llama.cpp context, lent out one to a generation. A sequence keeps what it has read, so a
 * conversation that comes back is given the sequence that knows most of it and only its end is read anew.
 */
import type { LlamaContextSequence, Token } from "node-llama-cpp";

interface Waiter {
  readonly prompt: readonly number[];
  readonly give: (sequence: LlamaContextSequence) => void;
}

export class SequencePool {
  /** The one unused for longest comes first. */
  readonly #idle: LlamaContextSequence[];
  readonly #waiting: Waiter[] = [];

  constructor(sequences: readonly LlamaContextSequence[]) {
    this.#idle = [...sequences];
  }

  /** Waits for a sequence; the best for `prompt` among those that are free. Throws the signal's reason. */
  async acquire(prompt: readonly number[], signal?: AbortSignal): Promise<LlamaContextSequence> {
    signal?.throwIfAborted();
    const best = this.#best(prompt);
    if (best !== undefined) return best;
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        prompt,
        give: (sequence) => {
          signal?.removeEventListener("abort", leave);
          resolve(sequence);
        },
      };
      const leave = (): void => {
        const place = this.#waiting.indexOf(waiter);
        if (place >= 0) this.#waiting.splice(place, 1);
        reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.#waiting.push(waiter);
    });
  }

  release(sequence: LlamaContextSequence): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(sequence);
    else next.give(sequence);
  }

  #best(prompt: readonly number[]): LlamaContextSequence | undefined {
    let best = 0;
    let most = 0;
    this.#idle.forEach((sequence, index) => {
      const known = sequence.compareContextTokens(prompt as Token[]).firstDifferentIndex;
      if (known > most) [best, most] = [index, known];
    });
    return this.#idle.splice(best, 1)[0];
  }
}
