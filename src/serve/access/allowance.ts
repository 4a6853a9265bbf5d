/**
 * @file How much a key may use: token buckets for requests and for tokens, each refilled over a minute. A request is
 * admitted while both hold something and pays for its tokens when they are counted, so a bucket may go below zero; then the
 * key waits until it is refilled.
 */

/** One bucket; `null` as rate is no limit. */
class Bucket {
  readonly perMinute: number;
  #level: number;
  #filledAt: number;

  constructor(perMinute: number, now: number) {
    this.perMinute = perMinute;
    this.#level = perMinute;
    this.#filledAt = now;
  }

  level(now: number): number {
    // A clock that jumps back must not empty the bucket.
    const minutes = Math.max(0, now - this.#filledAt) / 60_000;
    this.#level = Math.min(this.perMinute, this.#level + minutes * this.perMinute);
    this.#filledAt = now;
    return this.#level;
  }

  take(amount: number, now: number): void {
    this.#level = this.level(now) - amount;
  }

  /** Seconds until the bucket holds `amount`. */
  secondsTo(amount: number, now: number): number {
    return Math.max(0, ((amount - this.level(now)) * 60) / this.perMinute);
  }
}

export interface Rates {
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
}

export interface Admission {
  readonly admitted: boolean;
  /** Which limit refused it. */
  readonly limit: "requests" | "tokens" | undefined;
  /** Seconds until another try may succeed. */
  readonly retryAfter: number;
  /** OpenAI's `x-ratelimit-…` headers. */
  readonly headers: Readonly<Record<string, string>>;
}

export class Allowance {
  readonly #requests: Bucket | undefined;
  readonly #tokens: Bucket | undefined;
  readonly #now: () => number;

  /** @param now milliseconds of a clock that does not jump */
  constructor(rates: Rates, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#requests =
      rates.requestsPerMinute === null ? undefined : new Bucket(rates.requestsPerMinute, now());
    this.#tokens = rates.tokensPerMinute === null ? undefined : new Bucket(rates.tokensPerMinute, now());
  }

  /** Lets a request in and pays for it, or says how long to wait. */
  admit(): Admission {
    const now = this.#now();
    const waitRequests = this.#requests?.secondsTo(1, now) ?? 0;
    const waitTokens = this.#tokens?.secondsTo(1, now) ?? 0;
    const admitted = waitRequests === 0 && waitTokens === 0;
    if (admitted) this.#requests?.take(1, now);
    return {
      admitted,
      limit: admitted ? undefined : waitRequests >= waitTokens ? "requests" : "tokens",
      retryAfter: Math.ceil(Math.max(waitRequests, waitTokens)),
      headers: { ...describe("requests", this.#requests, now), ...describe("tokens", this.#tokens, now) },
    };
  }

  /** Pays for the tokens of a request that was admitted. */
  spend(tokens: number): void {
    this.#tokens?.take(tokens, this.#now());
  }
}

function describe(what: string, bucket: Bucket | undefined, now: number): Record<string, string> {
  if (bucket === undefined) return {};
  return {
    [`x-ratelimit-limit-${what}`]: String(bucket.perMinute),
    [`x-ratelimit-remaining-${what}`]: String(Math.max(0, Math.floor(bucket.level(now)))),
    [`x-ratelimit-reset-${what}`]: `${Math.ceil(bucket.secondsTo(bucket.perMinute, now))}s`,
  };
}
