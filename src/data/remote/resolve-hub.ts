/**
 * @file `hf://owner/name@commit/path`: files of a repository on the Hugging Face Hub at one commit. Planning needs the list
 * only: the Hub keeps the SHA-256 of large files; small ones, of which it does not, are fetched to be hashed.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  downloadHubFile,
  type HubAddress,
  type HubFile,
  type HubSnapshot,
  hubFileUrl,
  hubServer,
  hubSnapshotSchema,
  parseHubAddress,
  readHubSnapshot,
  writeJsonAtomic,
} from "../../artifacts/index.ts";
import { FirnError } from "../../core/index.ts";
import { sourceFile, type SourceFile } from "../resolve-source.ts";
import { filePattern } from "./file-pattern.ts";
import type { RemoteAccess } from "./remote-access.ts";
import { remoteFile } from "./remote-file.ts";

const COMMIT = /^[0-9a-f]{40}$/;
/** More small files than this should be packed: each is a request while planning. */
const MAX_SMALL_FILES = 1000;

/** The list of a commit never changes: it is asked for once and kept, so that plans work offline. */
export async function hubSnapshotOf(address: HubAddress, access: RemoteAccess): Promise<HubSnapshot> {
  if (!COMMIT.test(address.revision)) return readHubSnapshot(address, access.hub, access.signal);
  const name = `${address.repository.replace("/", "--")}@${address.revision}.json`;
  const path = join(access.downloadsDir, "hub", address.kind, name);
  const kept = await readFile(path, "utf8").catch(() => undefined);
  if (kept !== undefined) {
    const parsed = hubSnapshotSchema.safeParse(JSON.parse(kept));
    if (parsed.success) return parsed.data;
  }
  const snapshot = await readHubSnapshot(address, access.hub, access.signal);
  await writeJsonAtomic(path, snapshot);
  return snapshot;
}

async function smallFile(snapshot: HubSnapshot, file: HubFile, access: RemoteAccess): Promise<SourceFile> {
  const path = join(access.downloadsDir, "git", file.gitOid!, file.path.split("/").at(-1)!);
  await downloadHubFile(snapshot, file, access.hub, { path, signal: access.signal });
  return sourceFile(file.path, path);
}

export interface HubFiles {
  readonly snapshot: HubSnapshot;
  readonly files: SourceFile[];
}

/**
 * The files that an address means. `revision` of the source stands in where the address has none.
 *
 * @throws FirnError `DATA_SOURCE_UNPINNED` naming the commit that a branch or tag stands for today, `DATA_SOURCE_EMPTY`,
 *   and those of `readHubSnapshot`
 */
export async function resolveHub(
  text: string,
  revision: string | undefined,
  isWanted: (name: string) => boolean,
  access: RemoteAccess,
): Promise<HubFiles> {
  const said = parseHubAddress(text, "datasets");
  const address = said.revision === "main" && revision !== undefined ? { ...said, revision } : said;
  const snapshot = await hubSnapshotOf(address, access);
  if (!COMMIT.test(address.revision)) {
    const rest = address.path === "" ? "" : `/${address.path}`;
    throw new FirnError("DATA_SOURCE_UNPINNED", {
      expected: "a commit of 40 hexadecimal digits",
      got: `the revision "${address.revision}", which can move`,
      where: text,
      next: `Pin it: hf://${address.repository}@${snapshot.commit}${rest} is what it stands for today.`,
    });
  }
  return { snapshot, files: await hubFiles(snapshot, filePattern(address.path, isWanted), text, access) };
}

/** The files of a snapshot that `isMeant` picks, each with its SHA-256. */
export async function hubFiles(
  snapshot: HubSnapshot,
  isMeant: (name: string) => boolean,
  where: string,
  access: RemoteAccess,
): Promise<SourceFile[]> {
  const found = snapshot.files.filter(({ path }) => isMeant(path));
  const small = found.filter(({ sha256 }) => sha256 === null).length;
  if (found.length === 0 || small > MAX_SMALL_FILES) {
    throw new FirnError("DATA_SOURCE_EMPTY", {
      expected: `files that the reader takes, among them at most ${MAX_SMALL_FILES} small ones`,
      got: found.length === 0 ? `none among ${snapshot.files.length} files` : `${small} small ones`,
      where,
      next: "Correct the path behind the repository, e.g. data/*.parquet.",
    });
  }
  const server = hubServer(access.hub, snapshot.repository);
  const files: SourceFile[] = [];
  for (const file of found) {
    const { path: name, bytes, sha256 } = file;
    const url = hubFileUrl(snapshot, name, access.hub.endpoint);
    files.push(
      sha256 === null
        ? await smallFile(snapshot, file, access)
        : remoteFile({ name, sha256, bytes }, url, server, access),
    );
  }
  return files;
}
