/** @file Writes web archives (ISO 28500): one gzip member per record, as Common Crawl and the Internet Archive do. */
import { createHash, type Hash } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

/** What a record says about itself. */
export interface WarcEntry {
  readonly type: "warcinfo" | "response" | "request" | "metadata";
  readonly url?: string;
  /** ISO 8601, to the second. */
  readonly date: string;
  readonly contentType: string;
  readonly block: Uint8Array;
}

function digest(bytes: Uint8Array): Hash {
  return createHash("sha256").update(bytes);
}

/** A version-8 UUID from the record's own content: the same capture has the same name. */
function recordId(entry: WarcEntry): string {
  const hash = digest(entry.block)
    .update(`${entry.type} ${entry.url ?? ""} ${entry.date}`)
    .digest("hex");
  const parts = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `a${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ];
  return `<urn:uuid:${parts.join("-")}>`;
}

/** One record as a gzip member. */
export function packRecord(entry: WarcEntry): Buffer {
  const fields = [
    "WARC/1.1",
    `WARC-Type: ${entry.type}`,
    `WARC-Record-ID: ${recordId(entry)}`,
    `WARC-Date: ${entry.date}`,
    ...(entry.url === undefined ? [] : [`WARC-Target-URI: ${entry.url.replace(/[\r\n]/g, "")}`]),
    `WARC-Block-Digest: sha256:${digest(entry.block).digest("hex")}`,
    `Content-Type: ${entry.contentType}`,
    `Content-Length: ${entry.block.length}`,
  ];
  const header = Buffer.from(`${fields.join("\r\n")}\r\n\r\n`);
  return gzipSync(Buffer.concat([header, entry.block, Buffer.from("\r\n\r\n")]));
}

/** An HTTP response as the block of a record. The body is as it was after its codings were taken off. */
export function responseBlock(
  status: number,
  headers: Iterable<readonly [string, string]>,
  body: Uint8Array,
): Buffer {
  const lines = [`HTTP/1.1 ${status} `];
  for (const [name, value] of headers) {
    const renamed = /^(content-encoding|transfer-encoding|content-length)$/i.test(name);
    lines.push(`${renamed ? "X-Archive-Orig-" : ""}${name}: ${value.replace(/[\r\n]/g, " ")}`);
  }
  lines.push(`Content-Length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}

/** Adds records to the archive at `path`. */
export async function appendRecords(path: string, entries: readonly WarcEntry[]): Promise<void> {
  await appendFile(path, Buffer.concat(entries.map(packRecord)));
}
