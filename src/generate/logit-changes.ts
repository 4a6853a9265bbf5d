/**
 * @file What a request changes about the model's logits before a token is chosen: a bias on single tokens, and penalties on
 * tokens that have been said before.
 */

/** Neutral where left out. */
export interface LogitChangeOptions {
  /** Added to the logits of these tokens. */
  readonly logitBias?: ReadonlyMap<number, number> | undefined;
  /** Taken from a token's logit once for each time it has been generated. */
  readonly frequencyPenalty?: number | undefined;
  /** Taken from a token's logit once it has been generated. */
  readonly presencePenalty?: number | undefined;
  /** Divides positive and multiplies negative logits of the tokens of prompt and answer. Above 0; neutral: 1. */
  readonly repetitionPenalty?: number | undefined;
}

/**
 * The changes of one answer, as it grows. For token j, generated c(j) times so far, with logit μ:
 * μ′ = μ − c(j) · frequency − [c(j) > 0] · presence + bias(j) (OpenAI API reference, "Frequency and presence penalties");
 * before that, for tokens of prompt or answer, μ becomes μ / r if positive and μ · r if not (Keskar et al. 2019, CTRL,
 * §4.1, with the sign's treatment of transformers and vLLM).
 */
export class LogitChanges {
  readonly #bias: ReadonlyMap<number, number>;
  readonly #frequency: number;
  readonly #presence: number;
  readonly #repetition: number;
  readonly #counts = new Map<number, number>();
  readonly #said: Set<number>;

  constructor(prompt: readonly number[], options: LogitChangeOptions) {
    this.#bias = options.logitBias ?? new Map<number, number>();
    this.#frequency = options.frequencyPenalty ?? 0;
    this.#presence = options.presencePenalty ?? 0;
    this.#repetition = options.repetitionPenalty ?? 1;
    this.#said = new Set(this.#repetition === 1 ? [] : prompt);
  }

  /** No logit is ever changed. */
  get none(): boolean {
    return this.#bias.size === 0 && this.#frequency === 0 && this.#presence === 0 && this.#repetition === 1;
  }

  /** Token `id` has been generated. */
  add(id: number): void {
    if (this.#repetition !== 1) this.#said.add(id);
    if (this.#frequency !== 0 || this.#presence !== 0) this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
  }

  /** The tokens whose logits may be larger than the model's: whoever looks at the best few must look at these, too. */
  raised(): number[] {
    const raised = new Set(this.#bias.keys());
    if (this.#frequency < 0 || this.#presence < 0) for (const id of this.#counts.keys()) raised.add(id);
    if (this.#repetition < 1) for (const id of this.#said) raised.add(id);
    return [...raised];
  }

  /** The logit of token `id` when the model's own is `logit`. */
  of(id: number, logit: number): number {
    const repeated = this.#said.has(id);
    const own = !repeated ? logit : logit > 0 ? logit / this.#repetition : logit * this.#repetition;
    const count = this.#counts.get(id) ?? 0;
    const penalty = count === 0 ? 0 : count * this.#frequency + this.#presence;
    return own - penalty + (this.#bias.get(id) ?? 0);
  }
}
