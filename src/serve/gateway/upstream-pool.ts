/**
 * @file The engines behind the gateway: each request goes to a healthy one that has its model and is least busy; one that
 * does not answer is left out until it lives again, and its request goes to the next.
 */
import type { IncomingMessage } from "node:http";
import { ApiError, modelNotFound } from "../api-error.ts";
import { isKeyRefusal, Upstream, UpstreamFailure, type UpstreamModel } from "./upstream.ts";

export interface PoolOptions {
  readonly urls: readonly string[];
  /** What the engines ask for, if they ask. */
  readonly apiKey: string | undefined;
  /** Milliseconds between two checks. Default: 5000. */
  readonly checkEvery?: number;
}

export interface UpstreamAnswer {
  readonly answer: IncomingMessage;
  /** Must be called once the answer has been read or given up. */
  readonly release: () => void;
}

/** An engine that is starting or overloaded says so with these; another may do better. */
const TRY_ANOTHER = new Set([502, 503, 504]);

export class UpstreamPool {
  readonly #upstreams: readonly Upstream[];
  readonly #closing = new AbortController();
  readonly #timer: NodeJS.Timeout;
  /** Equally busy engines take turns. */
  #turn = 0;

  private constructor(upstreams: readonly Upstream[], checkEvery: number) {
    this.#upstreams = upstreams;
    this.#timer = setInterval(() => void this.#check(), checkEvery);
    this.#timer.unref();
  }

  /** Checks every engine once, so that the first request finds them. */
  static async open({ urls, apiKey, checkEvery = 5000 }: PoolOptions): Promise<UpstreamPool> {
    const pool = new UpstreamPool(
      urls.map((url) => new Upstream(new URL(url), apiKey)),
      checkEvery,
    );
    await pool.#check();
    return pool;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#closing.abort();
  }

  async #check(): Promise<void> {
    await Promise.all(this.#upstreams.map((upstream) => upstream.check(this.#closing.signal)));
  }

  /** Engines that live, of all. */
  get health(): { readonly healthy: number; readonly all: number } {
    return { healthy: this.#upstreams.filter(({ healthy }) => healthy).length, all: this.#upstreams.length };
  }

  /** The models of all healthy engines, each once. */
  models(): UpstreamModel[] {
    const models = new Map<string, UpstreamModel>();
    for (const { healthy, models: list } of this.#upstreams) {
      if (!healthy) continue;
      for (const model of list) if (!models.has(model.id)) models.set(model.id, model);
    }
    return [...models.values()];
  }

  /**
   * Sends a request for `model` to the least busy engine that has it, then to the others while none of them answers.
   * Throws 404 when no living engine has the model, 503 when none lives, 502 when all failed or refuse the gateway's key.
   */
  async post(model: string, path: string, body: string, signal: AbortSignal): Promise<UpstreamAnswer> {
    const tried = new Set<Upstream>();
    for (;;) {
      const upstream = this.#choose(model, tried);
      tried.add(upstream);
      upstream.running += 1;
      let held = true;
      const release = (): void => {
        if (held) upstream.running -= 1;
        held = false;
      };
      try {
        const answer = await upstream.send("POST", path, body, signal);
        const refused = isKeyRefusal(answer);
        const another = (refused || TRY_ANOTHER.has(answer.statusCode ?? 0)) && this.#left(model, tried) > 0;
        if (!another && !refused) return { answer, release };
        answer.destroy();
        release();
        if (!another) throw keyRefused();
      } catch (error) {
        release();
        if (!(error instanceof UpstreamFailure)) throw error;
        upstream.markFailed();
        if (this.#left(model, tried) === 0) throw badGateway();
      }
    }
  }

  #candidates(model: string, tried: ReadonlySet<Upstream>): Upstream[] {
    return this.#upstreams.filter(
      (upstream) =>
        upstream.healthy && !tried.has(upstream) && upstream.models.some(({ id }) => id === model),
    );
  }

  #left(model: string, tried: ReadonlySet<Upstream>): number {
    return this.#candidates(model, tried).length;
  }

  #choose(model: string, tried: ReadonlySet<Upstream>): Upstream {
    const candidates = this.#candidates(model, tried);
    if (candidates.length === 0) {
      if (this.health.healthy === 0) {
        if (this.#upstreams.some(({ refusesKey }) => refusesKey)) throw keyRefused();
        throw new ApiError(503, {
          message: "No engine behind this gateway answers at the moment.",
          code: "no_upstream",
          headers: { "Retry-After": "5" },
        });
      }
      throw modelNotFound(
        model,
        this.models().map(({ id }) => id),
      );
    }
    const least = Math.min(...candidates.map(({ running }) => running));
    const idlest = candidates.filter(({ running }) => running === least);
    this.#turn += 1;
    return idlest[this.#turn % idlest.length]!;
  }
}

export function badGateway(): ApiError {
  return new ApiError(502, {
    message: "The engine behind this gateway did not answer, or not in the API's form.",
    code: "upstream_failed",
  });
}

/** The client's own key was good; that the engine's is not is for the gateway's operator to mend. */
function keyRefused(): ApiError {
  return new ApiError(502, {
    message:
      "The engine behind this gateway does not take the gateway's key. Your own key is fine; the operator of this server sets the engine's with FIRN_UPSTREAM_KEY.",
    code: "upstream_refused_key",
  });
}
