/** @file What Prometheus is told: requests, tokens, waiting, speed. No metric holds anything of a request's words. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { AnswerEnd } from "./answer.ts";
import type { Slots } from "./slots.ts";

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const TOKENS_PER_SECOND = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** The metrics of one server; several servers in a process do not share any. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = new Counter({
    name: "firn_requests_total",
    help: "Requests that ended, by route and status; 499: the client left.",
    labelNames: ["method", "route", "status"],
    registers: [this.#registry],
  });
  readonly #duration = new Histogram({
    name: "firn_request_duration_seconds",
    help: "Time from a request's arrival to its last byte, waiting included.",
    labelNames: ["route"],
    buckets: SECONDS,
    registers: [this.#registry],
  });
  readonly #tokens = new Counter({
    name: "firn_tokens_total",
    help: "Tokens of prompts (those read for an earlier request are 'cached') and of answers.",
    labelNames: ["kind"],
    registers: [this.#registry],
  });
  readonly #firstToken = new Histogram({
    name: "firn_time_to_first_token_seconds",
    help: "Time from an answer's start, its prompt unread, to its first token.",
    buckets: SECONDS,
    registers: [this.#registry],
  });
  readonly #speed = new Histogram({
    name: "firn_answer_tokens_per_second",
    help: "Tokens per second of an answer after its first.",
    buckets: TOKENS_PER_SECOND,
    registers: [this.#registry],
  });

  constructor(slots: Slots) {
    const gauge = (name: string, help: string, value: () => number): void => {
      new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(value());
        },
      });
    };
    gauge("firn_requests_running", "Requests that compute.", () => slots.running);
    gauge("firn_requests_waiting", "Requests that wait for their turn.", () => slots.waiting);
    gauge("process_resident_memory_bytes", "Memory of the process.", () => process.memoryUsage.rss());
    gauge("process_start_time_seconds", "When the process started.", () => performance.timeOrigin / 1000);
  }

  finished(method: string, route: string, status: number, seconds: number): void {
    this.#requests.inc({ method, route, status });
    this.#duration.observe({ route }, seconds);
  }

  answered(promptTokens: number, end: AnswerEnd): void {
    this.#tokens.inc({ kind: "prompt" }, promptTokens - end.cachedTokens);
    this.#tokens.inc({ kind: "cached" }, end.cachedTokens);
    this.#tokens.inc({ kind: "completion" }, end.completionTokens);
    if (end.completionTokens === 0) return;
    this.#firstToken.observe(end.promptSeconds);
    if (end.generationSeconds > 0) this.#speed.observe((end.completionTokens - 1) / end.generationSeconds);
  }

  /** The text format of Prometheus (version 0.0.4). */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

/** Media type of `Metrics.text`. */
export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;
