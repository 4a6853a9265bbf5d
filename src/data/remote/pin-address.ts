/**
 * @file From an address to what a recipe says of it: the commit of a repository, the SHA-256 of every other file. The files are
 * fetched on the way, to where a build looks for them.
 */
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  type Downloaded,
  downloadFile,
  type HubSnapshot,
  listS3Objects,
  parseHubAddress,
  parseS3Address,
  printableUrl,
  s3Server,
  s3Url,
  type ServerAccess,
} from "../../artifacts/index.ts";
import { FirnError, sha256, type Work } from "../../core/index.ts";
import { ENDINGS, endsWithAny } from "../endings.ts";
import type { SourceFile } from "../resolve-source.ts";
import { filePattern, fixedPrefix } from "./file-pattern.ts";
import type { RemoteAccess } from "./remote-access.ts";
import { placeOf } from "./remote-file.ts";
import { hubFiles, hubSnapshotOf } from "./resolve-hub.ts";
import { webFileName } from "./resolve-remote.ts";

/** What a recipe needs to say. */
export interface PinnedAddress {
  /** With the commit where there is one. */
  readonly address: string;
  readonly reader: keyof typeof ENDINGS;
  /** As the repository's card declares it, in the card's own spelling. */
  readonly licence: string | null;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  /** Whether the recipe must list the hashes itself. */
  readonly needsChecksums: boolean;
}

type Reader = keyof typeof ENDINGS;
const READERS = Object.keys(ENDINGS) as Reader[];
const isReadable = endsWithAny(READERS.flatMap((reader) => ENDINGS[reader]));

/** The reader of most bytes. */
function readerOf(files: readonly { name: string; bytes: number }[], where: string): Reader {
  const bytesOf = (reader: Reader): number => {
    const takes = endsWithAny(ENDINGS[reader]);
    return files.reduce((sum, { name, bytes }) => sum + (takes(name) ? bytes + 1 : 0), 0);
  };
  const best = READERS.toSorted((a, b) => bytesOf(b) - bytesOf(a))[0]!;
  if (bytesOf(best) > 0) return best;
  throw new FirnError("DATA_SOURCE_EMPTY", {
    expected: `files ending in ${Object.values(ENDINGS).flat().join(", ")}`,
    got: files.length === 0 ? "no file" : `${files.length} others`,
    where: printableUrl(where),
    next: "Name files of these kinds; others are for other programs.",
  });
}

/** Fetches a file whose hash nobody has said, and puts it where its hash says. */
async function fetchUnknown(
  url: string,
  name: string,
  bytes: number | undefined,
  server: ServerAccess,
  access: RemoteAccess,
  work: Work,
): Promise<Downloaded & { name: string }> {
  const path = join(access.downloadsDir, "new", sha256(url), "file");
  const task = work.report.task(`fetch ${name}`, bytes ?? 0, "B");
  const onProgress = (here: number): void => task.update(here);
  const { signal } = work;
  const downloaded = await downloadFile({ url, path, expect: { bytes }, access: server, signal, onProgress });
  const place = placeOf(access, downloaded.sha256, name);
  await mkdir(dirname(place), { recursive: true });
  await rename(path, place);
  await rm(dirname(path), { recursive: true });
  task.finish(`${name}: SHA-256 ${downloaded.sha256}`);
  return { name, ...downloaded };
}

async function pinHub(address: string, access: RemoteAccess, work: Work): Promise<PinnedAddress> {
  const said = parseHubAddress(address, "datasets");
  const snapshot: HubSnapshot = await hubSnapshotOf(said, access);
  const chosen = await hubFiles(snapshot, filePattern(said.path, isReadable), address, access);
  const reader = readerOf(chosen, address);
  const files: SourceFile[] = [];
  const takes = endsWithAny(ENDINGS[reader]);
  const task = work.report.task(`fetch ${said.repository}`, chosen.length, "files");
  for (const file of chosen) {
    if (!takes(file.name)) continue;
    await file.fetch?.({ signal: work.signal });
    files.push(file);
    task.update(files.length, file.name);
  }
  task.finish(`${files.length} files of ${said.repository} at ${snapshot.commit}`);
  const rest = said.path === "" ? "" : `/${said.path}`;
  return {
    address: `hf://${said.kind === "models" ? "models/" : ""}${said.repository}@${snapshot.commit}${rest}`,
    reader,
    licence: snapshot.licence,
    files,
    needsChecksums: false,
  };
}

async function pinS3(address: string, access: RemoteAccess, work: Work): Promise<PinnedAddress> {
  const { bucket, key } = parseS3Address(address);
  const isMeant = filePattern(key, isReadable);
  const objects = await listS3Objects({ bucket, prefix: fixedPrefix(key) }, access.s3, work.signal);
  const server = s3Server(access.s3);
  const meant = objects.filter((object) => isMeant(object.key)).map((o) => ({ name: o.key, bytes: o.bytes }));
  const reader = readerOf(meant, address);
  const files = [];
  for (const { name, bytes } of meant)
    files.push(await fetchUnknown(s3Url(access.s3, bucket, name), name, bytes, server, access, work));
  return { address, reader, licence: null, files, needsChecksums: true };
}

/**
 * Fetches what an address means and says how to pin it.
 *
 * @throws FirnError `DOWNLOAD_ADDRESS`, `DATA_SOURCE_EMPTY`, and those of `downloadFile`, `readHubSnapshot`, `listS3Objects`
 */
export async function pinAddress(address: string, access: RemoteAccess, work: Work): Promise<PinnedAddress> {
  if (address.startsWith("hf://")) return pinHub(address, access, work);
  if (address.startsWith("s3://")) return pinS3(address, access, work);
  const name = webFileName(address);
  const reader = readerOf([{ name, bytes: 0 }], address);
  const file = await fetchUnknown(address, name, undefined, access.web, access, work);
  return { address, reader, licence: null, files: [file], needsChecksums: true };
}
