/**
 * @file One question to a server, and when to ask again: passing trouble (a broken connection, a busy server) is waited out,
 * everything else is explained at once. What proves who asks (tokens, signatures) stands in no message.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { describeError, FirnError, formatDuration, systemErrorCode } from "../../core/index.ts";

/** How a server is asked. */
export interface ServerAccess {
  /** The headers of a request to `url`, made anew for every attempt: this is where tokens and signatures come in. */
  headersFor?(
    url: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, string>>>;
  /** What to do about a refusal (401, 403). */
  readonly whenRefused?: string;
  /** What to do when it is not there (404). */
  readonly whenMissing?: string;
  readonly patience?: Patience;
}

/** How long to wait for servers. */
export interface Patience {
  /** Attempts in a row that bring nothing before giving up. */
  readonly attempts: number;
  /** The first wait; it doubles from failure to failure. */
  readonly waitMs: number;
  /** A connection that is silent for so long is broken. */
  readonly silenceMs: number;
}

const DEFAULT_PATIENCE: Patience = { attempts: 7, waitMs: 500, silenceMs: 60_000 };
const LONGEST_WAIT_MS = 120_000;
/** What a server may ask us to wait (`Retry-After`) before it counts as gone. */
const LONGEST_RETRY_AFTER_MS = 600_000;

/** Trouble that may pass. */
export class PassingTrouble extends Error {
  readonly afterMs: number | undefined;

  constructor(message: string, afterMs?: number) {
    super(message);
    this.name = "PassingTrouble";
    this.afterMs = afterMs;
  }
}

/** An address as it may be printed: without user, password and query, which can carry secrets. */
export function printableUrl(url: string): string {
  if (!URL.canParse(url)) return url.replace(/[?#].*$/s, "");
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** Troubles that no waiting mends. */
const LASTING = /^(ENOTFOUND|CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|ERR_INVALID)/;

function unreachable(url: string, got: string): FirnError {
  return new FirnError("DOWNLOAD_UNREACHABLE", {
    expected: "an answer",
    got,
    where: printableUrl(url),
    next: "Check the address and the connection, and run the same command again: it goes on from what has arrived.",
  });
}

/** Seconds or a date, as `Retry-After` has it; a date is measured by the server's own clock. */
function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const waitMs = Date.parse(value) - Date.parse(headers.get("date") ?? "");
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}

/** A response being read, with a watch on its silence. */
export interface OpenResponse {
  readonly response: Response;
  /** The body, piece by piece. @throws PassingTrouble when the connection breaks or falls silent */
  body(): AsyncGenerator<Uint8Array, void, undefined>;
  /** Lets go of what was not read. */
  close(): void;
}

/**
 * Asks once.
 *
 * @throws PassingTrouble for trouble that may pass; FirnError `DOWNLOAD_UNREACHABLE` for trouble that will not; the
 *   reason of `signal`
 */
export async function openOnce(
  url: string,
  headers: Readonly<Record<string, string>>,
  access: ServerAccess,
  signal: AbortSignal,
): Promise<OpenResponse> {
  signal.throwIfAborted();
  const silenceMs = (access.patience ?? DEFAULT_PATIENCE).silenceMs;
  const stop = new AbortController();
  const silence = setTimeout(() => stop.abort(new PassingTrouble("silence")), silenceMs);
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const close = (): void => {
    clearTimeout(silence);
    signal.removeEventListener("abort", onAbort);
    stop.abort(new PassingTrouble("closed"));
  };
  const trouble = (error: unknown): unknown => {
    close();
    if (signal.aborted) return signal.reason;
    if (error instanceof FirnError) return error;
    if (stop.signal.reason instanceof PassingTrouble && stop.signal.reason.message === "silence")
      return new PassingTrouble(`no byte in ${formatDuration(silenceMs / 1000)}`);
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const message = describeError(cause) || systemErrorCode(cause) || "a broken connection";
    if (LASTING.test(systemErrorCode(cause) ?? "")) return unreachable(url, message);
    return new PassingTrouble(message);
  };
  let response: Response;
  try {
    const all = { "User-Agent": "firn", ...headers };
    const sent = access.headersFor === undefined ? all : await access.headersFor(url, all);
    response = await fetch(url, { headers: sent, signal: stop.signal, redirect: "follow" });
  } catch (error) {
    throw trouble(error);
  }
  return {
    response,
    close,
    async *body() {
      if (response.body === null) return;
      const reader = response.body.getReader();
      try {
        for (;;) {
          silence.refresh();
          const { done, value } = await reader.read();
          if (done) break;
          yield value;
        }
      } catch (error) {
        throw trouble(error);
      } finally {
        close();
      }
    },
  };
}

/** What the server says about itself where it refuses; the Hub puts the reason into headers. */
function reasonOf(response: Response): string {
  const said = [response.headers.get("x-error-code"), response.headers.get("x-error-message")]
    .filter((part) => part !== null)
    .join(": ");
  const text = said.replace(/[^\x20-\x7e]/g, "?").slice(0, 300);
  return text === "" ? `status ${response.status}` : `status ${response.status}, ${text}`;
}

/**
 * Throws for every status but 2xx and those in `allowed`.
 *
 * @throws PassingTrouble, FirnError `DOWNLOAD_REFUSED`, `DOWNLOAD_MISSING`, `DOWNLOAD_ANSWER`
 */
export function checkStatus(
  url: string,
  answer: OpenResponse,
  access: ServerAccess,
  allowed: readonly number[] = [],
): void {
  const { response } = answer;
  const { status } = response;
  if (response.ok || allowed.includes(status)) return;
  answer.close();
  const got = reasonOf(response);
  if ([408, 425, 429, 500, 502, 503, 504].includes(status)) {
    throw new PassingTrouble(got, retryAfterMs(response.headers));
  }
  const where = printableUrl(url);
  if (status === 401 || status === 403) {
    const next = access.whenRefused ?? "Name an address that is open to everybody.";
    throw new FirnError("DOWNLOAD_REFUSED", { expected: "permission to read", got, where, next });
  }
  if (status === 404 || status === 410) {
    const next = access.whenMissing ?? "Correct the address.";
    throw new FirnError("DOWNLOAD_MISSING", { expected: "a file", got, where, next });
  }
  const next = "Look at the address in a browser: it may not be what you think.";
  throw new FirnError("DOWNLOAD_ANSWER", { expected: "the content", got, where, next });
}

/**
 * Runs `attempt` until it succeeds, waiting longer after each `PassingTrouble`. Attempts that got further (`progress`
 * grew) do not count as failed in a row.
 *
 * @throws FirnError `DOWNLOAD_UNREACHABLE` after too many; whatever else `attempt` throws
 */
export async function withRetries<T>(
  url: string,
  access: ServerAccess,
  signal: AbortSignal,
  attempt: () => Promise<T>,
  progress: () => number = () => 0,
): Promise<T> {
  const patience = access.patience ?? DEFAULT_PATIENCE;
  let failures = 0;
  for (;;) {
    const before = progress();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof PassingTrouble)) throw error;
      failures = progress() > before ? 1 : failures + 1;
      const waitMs = error.afterMs ?? Math.min(patience.waitMs * 2 ** (failures - 1), LONGEST_WAIT_MS);
      if (failures >= patience.attempts || waitMs > LONGEST_RETRY_AFTER_MS) {
        throw unreachable(url, `${error.message}, ${failures} times in a row`);
      }
      await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

/**
 * The body of a small answer as text, with retries.
 *
 * @throws FirnError `DOWNLOAD_ANSWER` when it is longer than `maxBytes`, and those of `checkStatus` and `withRetries`
 */
export async function readAnswer(
  url: string,
  access: ServerAccess,
  maxBytes: number,
  signal: AbortSignal,
): Promise<{ text: string; headers: Headers; url: string }> {
  return withRetries(url, access, signal, async () => {
    const open = await openOnce(url, {}, access, signal);
    checkStatus(url, open, access);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of open.body()) {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        throw new FirnError("DOWNLOAD_ANSWER", {
          expected: `an answer of at most ${maxBytes} bytes`,
          got: "a longer one",
          where: printableUrl(url),
          next: "Check that the address is that of the service you mean.",
        });
      }
      chunks.push(chunk);
    }
    const { headers } = open.response;
    return { text: Buffer.concat(chunks).toString("utf8"), headers, url: open.response.url };
  });
}
