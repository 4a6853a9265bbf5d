/**
 * @file The sequences of one llama.cpp context, lent out one to a generation. A sequence keeps what it has read, so a
 * conversation that comes back is given the sequence that knows most of it and only its end is read anew; what another
 * conversation has read already, such as a system prompt of many users, is copied from its sequence.
 */
import type { LlamaContextSequence, Token } from "node-llama-cpp";

interface Waiter {
  readonly prompt: readonly number[];
  readonly give: (sequence: LlamaContextSequence) => void;
}

/** Fewer tokens are read sooner than a copy of a sequence's whole memory is made. */
const WORTH_COPYING = 64;

/**
 * What llama.cpp calls `llama_memory_seq_cp`: everything of another sequence, then cut to its first `upTo` tokens; false when
 * that did not come about. The library has it for its own use and does not publish its type.
 */
interface Copying {
  _copyStateFromOtherSequence?(other: LlamaContextSequence, upTo: number): Promise<boolean>;
}

export class SequencePool {
  readonly #all: readonly LlamaContextSequence[];
  /** The one unused for longest comes first. */
  readonly #idle: LlamaContextSequence[];
  readonly #waiting: Waiter[] = [];

  constructor(sequences: readonly LlamaContextSequence[]) {
    this.#all = sequences;
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

  /**
   * Leaves in `sequence`, which is lent out, the longest beginning of `prompt` that any sequence knows, and nothing else.
   * Returns its length; one that is still at work may lend what it has read.
   */
  async prepare(sequence: LlamaContextSequence, prompt: readonly number[]): Promise<number> {
    const [source, most] = this.#knowingMost(prompt);
    if (most - knownOf(sequence, prompt) >= WORTH_COPYING) {
      const copied = await (sequence as Copying)._copyStateFromOtherSequence?.(source, most);
      // Neither what it was nor what was to be copied can be relied upon.
      if (copied === false) await sequence.clearHistory();
    }
    // The source may have become another conversation's while its copy waited for the engine.
    const known = knownOf(sequence, prompt);
    await sequence.eraseContextTokenRanges([{ start: known, end: sequence.nextTokenIndex }]);
    return known;
  }

  #knowingMost(prompt: readonly number[]): readonly [LlamaContextSequence, number] {
    const known = this.#all.map((sequence) => knownOf(sequence, prompt));
    const most = Math.max(...known);
    return [this.#all[known.indexOf(most)]!, most];
  }

  /**
   * The idle sequence that knows most of `prompt`; but where that would cut another conversation short for what both begin
   * with, the one unused for longest, to which the beginning is copied.
   */
  #best(prompt: readonly number[]): LlamaContextSequence | undefined {
    const known = this.#idle.map((sequence) => knownOf(sequence, prompt));
    const best = Math.max(known.indexOf(Math.max(...known)), 0);
    const lost = (this.#idle[best]?.nextTokenIndex ?? 0) - (known[best] ?? 0);
    const gained = this.#knowingMost(prompt)[1] - (known[0] ?? 0);
    return this.#idle.splice(lost >= WORTH_COPYING && gained >= WORTH_COPYING ? 0 : best, 1)[0];
  }
}

/** How many tokens of `prompt` a sequence has read; its last one is always to be read, for what comes after it. */
function knownOf(sequence: LlamaContextSequence, prompt: readonly number[]): number {
  const { firstDifferentIndex } = sequence.compareContextTokens(prompt as Token[]);
  return Math.max(0, Math.min(firstDifferentIndex, prompt.length - 1));
}
