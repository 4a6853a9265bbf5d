/**
 * @file An HTTP response as a web archive keeps it: status line, header fields, body, with whatever codings are still on
 * the body taken off, in bounded memory.
 */
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from "node:zlib";
import { describeError } from "../../core/index.ts";

/** A body may unpack to this much. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_CODINGS = 3;

export interface HttpResponse {
  readonly status: number;
  /** Name in lower case and value, in the order in which they came. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

const NEWLINES = /\r?\n/;

function headerEnd(bytes: Buffer): { end: number; next: number } | undefined {
  const proper = bytes.indexOf("\r\n\r\n");
  const bare = bytes.indexOf("\n\n");
  if (proper >= 0 && (bare < 0 || proper < bare)) return { end: proper, next: proper + 4 };
  return bare < 0 ? undefined : { end: bare, next: bare + 2 };
}

/** Takes off `Transfer-Encoding: chunked`; bytes that are no chunks stay as they are (archives often took it off). */
function joinChunks(body: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = body.indexOf("\r\n", at);
    const size = /^\s*([0-9a-f]{1,8})\s*(?:;|$)/i.exec(body.toString("latin1", at, Math.max(at, line)));
    if (line < 0 || size === null) return chunks.length === 0 ? body : Buffer.concat(chunks);
    const length = Number.parseInt(size[1]!, 16);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(body.subarray(line + 2, line + 2 + length));
    at = line + 2 + length + 2;
    if (at >= body.length) return Buffer.concat(chunks);
  }
}

function unpack(body: Buffer, coding: string): Buffer {
  const limit = { maxOutputLength: MAX_BODY_BYTES };
  switch (coding) {
    case "gzip":
    case "x-gzip":
      // Archives that took the coding off forgot to say so.
      return body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body, limit) : body;
    case "deflate":
      return (body[0]! & 0x0f) === 8 ? inflateSync(body, limit) : inflateRawSync(body, limit);
    case "br":
      return brotliDecompressSync(body, limit);
    default:
      return body;
  }
}

/** The response in `block`; a text says why it is none. */
export function parseHttpResponse(block: Buffer): HttpResponse | string {
  const border = headerEnd(block);
  if (border === undefined) return "an HTTP header without an end";
  const [statusLine = "", ...lines] = block.toString("latin1", 0, border.end).split(NEWLINES);
  const status = /^HTTP\/\d(?:\.\d)?\s+(\d{3})/.exec(statusLine);
  if (status === null) return "no HTTP status line";
  const headers = lines.flatMap((line): [string, string][] => {
    const colon = line.indexOf(":");
    return colon > 0 ? [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]] : [];
  });
  const valueOf = (name: string): string => headers.find(([key]) => key === name)?.[1].toLowerCase() ?? "";
  let body = block.subarray(border.next);
  if (/\bchunked\b/.test(valueOf("transfer-encoding"))) body = joinChunks(body);
  const codings = valueOf("content-encoding")
    .split(",")
    .map((coding) => coding.trim());
  try {
    for (const coding of codings.slice(0, MAX_CODINGS).reverse()) body = unpack(body, coding);
  } catch (error) {
    return `a body that cannot be unpacked: ${describeError(error)}`;
  }
  return { status: Number(status[1]), headers, body };
}

/** The media type and charset of a response. */
export function contentType({ headers }: HttpResponse): { type: string; charset: string | undefined } {
  const value = headers.find(([name]) => name === "content-type")?.[1] ?? "";
  const charset = /charset\s*=\s*["']?([\w.:-]{1,40})/i.exec(value)?.[1];
  return { type: value.split(";", 1)[0]!.trim().toLowerCase(), charset };
}
