/** @file One file that lies elsewhere, and its place on this machine. */
import { join } from "node:path";
import {
  type Downloaded,
  downloadFile,
  type DownloadOptions,
  type ServerAccess,
} from "../../artifacts/index.ts";
import type { SourceFile } from "../resolve-source.ts";
import type { RemoteAccess } from "./remote-access.ts";

/** Fetches a file to where the source expects it. */
export type Fetch = (options: Pick<DownloadOptions, "signal" | "onProgress">) => Promise<Downloaded>;

/** Longer names of files are cut at the front, so that every file system takes them; the ending says how to read. */
const LONGEST_NAME = 120;

/** Where the file with this hash is kept. Its own name stays, because its ending says how it is packed. */
export function placeOf({ downloadsDir }: RemoteAccess, sha256: string, name: string): string {
  const base = name.split("/").at(-1)!;
  return join(downloadsDir, sha256.slice(0, 2), sha256, base.slice(-LONGEST_NAME));
}

/** A file of a known hash. `bytes` is 0 where nobody has said how long it is. */
export function remoteFile(
  file: { readonly name: string; readonly sha256: string; readonly bytes: number | undefined },
  url: string,
  server: ServerAccess,
  access: RemoteAccess,
): SourceFile {
  const path = placeOf(access, file.sha256, file.name);
  const { name, sha256, bytes } = file;
  const fetch: Fetch = (options) =>
    downloadFile({ ...options, url, path, expect: { sha256, bytes }, access: server });
  return { name, path, bytes: bytes ?? 0, sha256, fetch };
}
