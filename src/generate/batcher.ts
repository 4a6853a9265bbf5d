/**
 * @file Continuous batching. Whatever wants to be computed waits for the next beat; a beat puts one token of every running
 * answer and a bounded part of the prompts that are being read into one batch. llama.cpp's binding batches only what it is
 * handed in the same moment: sequences that came at different times would otherwise be computed one after the other for ever.
 */

interface Job {
  /** Tokens to compute, at least 1. */
  readonly tokens: number;
  /** Must have a batch of its own, so that its result depends on nothing else. */
  readonly alone: boolean;
  /** Starts the computation of the first `granted` tokens; settles when they are done. */
  readonly start: (granted: number) => Promise<void>;
}

export interface BatchLimits {
  /** Tokens in one batch. */
  readonly batch: number;
  /** How long a beat that also carries running answers should take: what an answer waits for other people's prompts. */
  readonly pauseMs: number;
}

/** Prompt tokens beside running answers at least: below, reading them one by one would hardly be slower. */
const LEAST_PROMPT = 32;
/** And for each running answer, so that those who wait for their first token are not left behind by those who have it. */
const PROMPT_PER_ANSWER = 4;

/** Turns of the event loop that a beat waits for answers which were in the one before and may yet come. */
const PATIENCE = 3;

export class Batcher {
  readonly #limits: BatchLimits;
  #jobs: Job[] = [];
  #beating = false;
  /** Answers in the last beat. */
  #expected = 0;
  /** Running mean of the time a prompt's token takes. */
  #promptMs = 0;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  /**
   * Computes `tokens` tokens: `compute(from, to)` is called for one part after the other, each in a beat. With `alone`
   * there is one part, in a beat of its own. `signal` is looked at between parts.
   */
  async run(
    tokens: number,
    compute: (from: number, to: number) => Promise<void>,
    options: { readonly alone?: boolean; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    for (let done = 0; done < tokens; ) {
      options.signal?.throwIfAborted();
      const from = done;
      await new Promise<void>((resolve, reject) => {
        this.#jobs.push({
          tokens: tokens - from,
          alone: options.alone ?? false,
          start: async (granted) => {
            try {
              await compute(from, from + granted);
              done += granted;
              resolve();
            } catch (error) {
              reject(error instanceof Error ? error : new Error(String(error)));
            }
          },
        });
        if (!this.#beating) void this.#beat();
      });
    }
  }

  async #beat(): Promise<void> {
    this.#beating = true;
    while (this.#jobs.length > 0) {
      for (let turn = 0; turn < PATIENCE; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
        if (this.#jobs.filter(({ tokens }) => tokens === 1).length >= this.#expected) break;
      }
      const batch = this.#next();
      const start = performance.now();
      await Promise.all(batch.map(({ job, granted }) => job.start(granted)));
      const size = batch.reduce((sum, { granted }) => sum + granted, 0);
      if (size < LEAST_PROMPT) continue;
      const each = (performance.now() - start) / size;
      this.#promptMs = this.#promptMs === 0 ? each : 0.8 * this.#promptMs + 0.2 * each;
    }
    this.#expected = 0;
    this.#beating = false;
  }

  /** Prompt tokens beside running answers: as many as the pause allows, the more the more prompts wait for one answer. */
  #beside(answers: number, prompts: number, pauseMs: number): number {
    const paused = this.#promptMs === 0 ? 0 : pauseMs / this.#promptMs;
    const fair = Math.max(paused, LEAST_PROMPT) * Math.max(1, prompts / answers);
    return Math.floor(Math.max(fair, PROMPT_PER_ANSWER * answers));
  }

  /** Takes what the next batch holds off the queue. */
  #next(): { readonly job: Job; readonly granted: number }[] {
    const [first] = this.#jobs;
    if (first?.alone === true) {
      this.#jobs.shift();
      return [{ job: first, granted: first.tokens }];
    }
    const { batch, pauseMs } = this.#limits;
    const chosen = new Map<Job, number>();
    for (const job of this.#jobs) {
      if (job.tokens === 1 && !job.alone && chosen.size < batch) chosen.set(job, 1);
    }
    this.#expected = chosen.size;
    const answers = chosen.size;
    const prompts = this.#jobs.length - answers;
    let room = answers === 0 ? batch : Math.min(this.#beside(answers, prompts, pauseMs), batch - answers);
    for (const job of this.#jobs) {
      if (job.tokens === 1 || job.alone || room <= 0) continue;
      const granted = Math.min(job.tokens, room);
      chosen.set(job, granted);
      room -= granted;
    }
    this.#jobs = this.#jobs.filter((job) => !chosen.has(job));
    return [...chosen].map(([job, granted]) => ({ job, granted }));
  }
}
