/** @file Bounds that keep one client from taking the whole server, each with its reason. */

export interface ServeLimits {
  /** Largest request body. 4 MiB holds any prompt of 65,536 tokens many times over. */
  readonly bodyBytes: number;
  /** Requests that compute at the same time; `openLlamaModel` has room for as many by default. */
  readonly parallel: number;
  /** Requests that may wait their turn; the next one is told 429. */
  readonly waiting: number;
  /** Longest time for one request, waiting included. A client that reads too slowly is cut off by it as well. */
  readonly requestSeconds: number;
  /** How long a client may take to send its headers, and its whole request (slow-loris). */
  readonly headerSeconds: number;
  readonly sendSeconds: number;
  /** Answers (prompts × n) in one request. */
  readonly choices: number;
  /** How long running answers may still take when the server stops. */
  readonly graceSeconds: number;
}

export const DEFAULT_LIMITS: ServeLimits = {
  bodyBytes: 4 * 1024 * 1024,
  parallel: 4,
  waiting: 32,
  requestSeconds: 600,
  headerSeconds: 15,
  sendSeconds: 60,
  choices: 64,
  graceSeconds: 5,
};
