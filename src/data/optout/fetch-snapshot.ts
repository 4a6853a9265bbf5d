/**
 * @file Makes a snapshot: ranks hosts by how much of their text there is, asks each, and adds its answer to the file as
 * it comes, so that a run that was stopped goes on where it was.
 */
import { existsSync } from "node:fs";
import { appendFile, open, readFile, stat, truncate } from "node:fs/promises";
import { isIP } from "node:net";
import { type DocumentRecord, hashFile } from "../../artifacts/index.ts";
import type { Work } from "../../core/index.ts";
import { type FetchSiteOptions, fetchSite } from "./fetch-site.ts";
import { pathOfUrl } from "./path-pattern.ts";
import { readSnapshot } from "./snapshot.ts";

/** Names that lead into a private network must not be asked for only because a document names them. */
function isPublicName(host: string): boolean {
  const name = host.replace(/:\d+$/, "");
  return (
    isIP(name.replace(/^\[|\]$/g, "")) === 0 &&
    /\.[a-z][a-z0-9-]*$/.test(name) &&
    !/\.(local|internal|localhost|home|lan)$/.test(name)
  );
}

/** Hosts of web documents with the bytes of text that come from each, most first. */
export async function rankHosts(
  documents: AsyncIterable<readonly Pick<DocumentRecord, "url" | "bytes">[]>,
): Promise<{ host: string; bytes: number }[]> {
  const bytesOf = new Map<string, number>();
  for await (const batch of documents) {
    for (const { url, bytes } of batch) {
      const host = url === null ? undefined : pathOfUrl(url)?.host;
      if (host !== undefined && isPublicName(host)) bytesOf.set(host, (bytesOf.get(host) ?? 0) + bytes);
    }
  }
  const ranked = [...bytesOf].map(([host, bytes]) => ({ host, bytes }));
  return ranked.sort((a, b) => b.bytes - a.bytes || (a.host < b.host ? -1 : 1));
}

/** Cuts off a last line that a kill left without its end. */
async function dropTornLine(path: string): Promise<void> {
  const { size } = await stat(path);
  const file = await open(path, "r");
  try {
    const buffer = Buffer.alloc(1);
    if (size === 0) return;
    await file.read(buffer, 0, 1, size - 1);
    if (buffer[0] === 10) return;
  } finally {
    await file.close();
  }
  await truncate(path, (await readFile(path)).lastIndexOf(10) + 1);
}

/** What a run did. */
export interface FetchSummary {
  /** Hosts that answered in this run, whatever they said. */
  readonly answered: number;
  /** Hosts that did not; the next run asks them again. */
  readonly silent: number;
  /** Hosts whose answer was in the file already. */
  readonly known: number;
}

export interface FetchSnapshotOptions extends Omit<FetchSiteOptions, "signal"> {
  /** How many hosts are asked at the same time; each gets one request at a time. */
  readonly parallel: number;
}

/**
 * Asks `hosts` and appends their answers to the snapshot at `path`. Hosts that answered before are not asked again.
 * Records the fact `optout-snapshot`: who asked, when, how many answered, and the checksum of the file.
 *
 * @throws FirnError `DATA_OPTOUT_SNAPSHOT` when the file holds something else
 */
export async function fetchSnapshot(
  hosts: readonly string[],
  path: string,
  options: FetchSnapshotOptions,
  work: Work,
): Promise<FetchSummary> {
  const known = new Set<string>();
  if (existsSync(path)) {
    await dropTornLine(path);
    for await (const { record } of readSnapshot(path))
      if (!("error" in record.robots)) known.add(record.host);
  }
  const waiting = [...new Set(hosts)].filter((host) => !known.has(host));
  const total = waiting.length;
  const from = options.now().toISOString();
  const task = work.report.task("ask hosts", total, "hosts");
  let answered = 0;
  let silent = 0;
  let written: Promise<void> = Promise.resolve();
  const askNext = async (): Promise<void> => {
    for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) {
      const record = await fetchSite(host, { ...options, signal: work.signal });
      if ("error" in record.robots) silent += 1;
      else answered += 1;
      written = written.then(() => appendFile(path, `${JSON.stringify(record)}\n`));
      await written;
      task.update(answered + silent, host);
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, askNext));
  task.finish(`${answered} of ${total} hosts answered`);
  const to = options.now().toISOString();
  const file = existsSync(path) ? (await hashFile(path)).sha256 : null;
  const { userAgent } = options;
  work.fact("optout-snapshot", { userAgent, from, to, answered, silent, known: known.size, sha256: file });
  return { answered, silent, known: known.size };
}
