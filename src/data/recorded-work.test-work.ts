/** @file The `Work` of the tests of this room: says nothing, is never stopped, and keeps the facts. */
import { type Json, silentReporter, type Work } from "../core/index.ts";

export interface RecordedFact {
  readonly kind: string;
  readonly data: Json;
}

/** Work on so many worker threads, whose facts are put into `facts`. */
export function workWith(workers: number, facts: RecordedFact[]): Work {
  return {
    report: silentReporter,
    signal: new AbortController().signal,
    fact: (kind, data) => facts.push({ kind, data }),
    workers,
    threads: 1,
  };
}
