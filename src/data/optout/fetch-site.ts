/**
 * @file Asks one host what it says about crawling and training: robots.txt, ai.txt and tdmrep.json, one after the other,
 * with bounds on time and size, and a name to call the asker by.
 */
import { describeError } from "../../core/index.ts";
import { ROBOTS_LIMIT_BYTES } from "./robots.ts";
import type { SiteRecord } from "./snapshot.ts";

/** What fetching needs from outside. */
export interface FetchSiteOptions {
  /** The `User-Agent` header: a name and where to find out about it. */
  readonly userAgent: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly now: () => Date;
}

/** The first `ROBOTS_LIMIT_BYTES` + 1 bytes of a body; what comes after is not waited for. */
async function readStart(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length <= ROBOTS_LIMIT_BYTES) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.length;
  }
  await reader.cancel().catch(() => undefined);
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, ROBOTS_LIMIT_BYTES + 1));
}

type Answer = SiteRecord["robots"];

async function ask(url: string, options: FetchSiteOptions): Promise<Answer> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  try {
    const headers = { "User-Agent": options.userAgent, Accept: "text/plain, application/json, */*;q=0.1" };
    const response = await fetch(url, { headers, signal, redirect: "follow" });
    const found = response.status >= 200 && response.status < 300;
    if (!found) await response.body?.cancel();
    return { status: response.status, text: found ? await readStart(response) : null };
  } catch (error) {
    options.signal.throwIfAborted();
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
    return { error: `${describeError(error)}${cause}`.slice(0, 500) };
  }
}

/**
 * Fetches the files of `host` (with its port, if any) over HTTPS or, where nothing answers there, over HTTP. Never
 * throws for what a host does; only when `signal` is aborted.
 */
export async function fetchSite(host: string, options: FetchSiteOptions): Promise<SiteRecord> {
  const date = options.now().toISOString();
  let base = `https://${host}`;
  let robots = await ask(`${base}/robots.txt`, options);
  if ("error" in robots) {
    const plain = await ask(`http://${host}/robots.txt`, options);
    if (!("error" in plain)) {
      base = `http://${host}`;
      robots = plain;
    }
  }
  if ("error" in robots) return { host, date, robots };
  const aiText = await ask(`${base}/ai.txt`, options);
  const tdmrep = await ask(`${base}/.well-known/tdmrep.json`, options);
  return { host, date, robots, aiText, tdmrep };
}
