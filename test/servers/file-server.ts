/**
 * @file A web server on loopback for tests of fetching: files with ranges and version names (RFC 9110 §13, §14), and
 * trouble on demand.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What goes wrong with one request. */
export interface Trouble {
  /** Answer with this status instead of the file. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Cut the connection after so many bytes of the body. */
  readonly breakAfter?: number;
  /** End the body properly after so many bytes, without saying how long it is. */
  readonly endAfter?: number;
  /** Send nothing, ever. */
  readonly silent?: boolean;
  readonly noRanges?: boolean;
}

export interface FileServer {
  readonly url: string;
  /** By path, `/`-led and decoded. */
  readonly files: Map<string, Buffer>;
  /** Every request so far. */
  readonly seen: { path: string; range: string | undefined; authorization: string | undefined }[];
  /** Asked for each request before anything else. */
  trouble: (path: string, nth: number) => Trouble | undefined;
  close(): Promise<void>;
}

/** Answers one request for `bytes`. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  trouble: Trouble = {},
): void {
  const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const ifRange = request.headers["if-range"];
  const start =
    asked === null || trouble.noRanges === true || (ifRange !== undefined && ifRange !== etag)
      ? undefined
      : Number(asked[1]);
  if (start !== undefined && start >= bytes.length) {
    response.writeHead(416, { "Content-Range": `bytes */${bytes.length}` }).end();
    return;
  }
  const body = bytes.subarray(start ?? 0);
  const headers: Record<string, string> = { ETag: etag, ...trouble.headers };
  if (trouble.endAfter === undefined) headers["Content-Length"] ??= String(body.length);
  if (start !== undefined) headers["Content-Range"] = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
  response.writeHead(start === undefined ? 200 : 206, headers);
  if (trouble.breakAfter !== undefined) {
    response.write(body.subarray(0, trouble.breakAfter), () => setTimeout(() => response.destroy(), 25));
  } else response.end(body.subarray(0, trouble.endAfter ?? body.length));
}

/** Starts a server; `handle` may answer requests itself by returning true. */
export async function startFileServer(
  handle: (request: IncomingMessage, response: ServerResponse, url: URL) => boolean = () => false,
): Promise<FileServer> {
  const files = new Map<string, Buffer>();
  const seen: FileServer["seen"] = [];
  const counts = new Map<string, number>();
  const http = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://loopback");
    const path = decodeURIComponent(url.pathname);
    const { range, authorization } = request.headers;
    seen.push({ path, range, authorization });
    const nth = (counts.get(path) ?? 0) + 1;
    counts.set(path, nth);
    const trouble = server.trouble(path, nth);
    if (trouble?.silent === true) return;
    if (trouble?.status !== undefined) {
      response.writeHead(trouble.status, trouble.headers ?? {}).end("trouble");
      return;
    }
    if (handle(request, response, url)) return;
    const bytes = files.get(path);
    if (bytes === undefined) response.writeHead(404).end("nothing here");
    else sendFile(request, response, bytes, trouble);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const server: FileServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    files,
    seen,
    trouble: () => undefined,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}
