/**
 * @file The page's files, read once into memory: no request ever reaches the file system, so no path in a request can
 * leave the folder and no path of this machine can get into an answer.
 */
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { FirnError, sha256 } from "../core/index.ts";

export interface WebFile {
  readonly type: string;
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
  readonly etag: string;
  /** True for files whose name carries a hash of their content. */
  readonly immutable: boolean;
}

/** Files by request path; `/` is `index.html`. */
export type WebFiles = ReadonlyMap<string, WebFile>;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".md": "text/markdown; charset=utf-8",
  ".csv": "text/csv; charset=utf-8",
  ".jsonl": "application/x-ndjson",
  ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
};

/** Every file under `dir`, by its path below `prefix`. */
export async function readFolderFiles(dir: string, prefix: string): Promise<Map<string, WebFile>> {
  const files = new Map<string, WebFile>();
  const compress = promisify(gzip);
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    const name = `${prefix}/${relative(dir, path).split(sep).join("/")}`;
    files.set(name, {
      type: TYPES[extname(name)] ?? "application/octet-stream",
      bytes,
      gzipped: await compress(bytes),
      etag: `"${sha256(bytes).slice(0, 32)}"`,
      immutable: name.startsWith("/assets/"),
    });
  }
  return files;
}

/** Reads the built page in `dir`; throws `SERVE_PAGE_MISSING` when it has not been built. */
export async function readWebFiles(dir: string): Promise<WebFiles> {
  const files = await readFolderFiles(dir, "").catch((cause: unknown) => {
    throw pageMissing(dir, cause);
  });
  const index = files.get("/index.html");
  if (index === undefined) throw pageMissing(dir);
  return files.set("/", index);
}

function pageMissing(dir: string, cause?: unknown): FirnError {
  return new FirnError("SERVE_PAGE_MISSING", {
    expected: "the built web page",
    got: "no index.html",
    where: dir,
    next: "Run `npm run build`, or serve without the page.",
    cause,
  });
}

/** The page may run its own scripts and talk to its own server, and nothing else. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** A paper is one file with its own style and nothing else. */
export const PAPER_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The response for a file, compressed when the client takes it, 304 when it already has it. */
export function webResponse(file: WebFile, request: Headers, policy: string = PAGE_POLICY): Response {
  const headers = new Headers({
    "Content-Type": file.type,
    "Cache-Control": file.immutable ? "public, max-age=31536000, immutable" : "no-cache",
    "Content-Security-Policy": policy,
    ETag: file.etag,
    Vary: "Accept-Encoding",
  });
  if (request.get("if-none-match") === file.etag) return new Response(null, { status: 304, headers });
  const zipped = /\bgzip\b/.test(request.get("accept-encoding") ?? "");
  if (zipped) headers.set("Content-Encoding", "gzip");
  return new Response(new Uint8Array(zipped ? file.gzipped : file.bytes), { headers });
}
