/**
 * @file Files that lie elsewhere, by their addresses: `hf://`, `https://`, `s3://`. Nothing moves underneath a recipe: the
 * Hub is read at a commit, and everything else needs its checksum declared.
 */
import { parseS3Address, printableUrl, s3Server, s3Url } from "../../artifacts/index.ts";
import { FirnError } from "../../core/index.ts";
import type { SourceFile } from "../resolve-source.ts";
import type { SourceSpec } from "../source-spec.ts";
import { filePattern } from "./file-pattern.ts";
import type { RemoteAccess } from "./remote-access.ts";
import { remoteFile } from "./remote-file.ts";
import { resolveHub } from "./resolve-hub.ts";

/** What an address stands for. */
export interface RemoteFiles {
  readonly files: readonly SourceFile[];
  /** The commit of a repository. */
  readonly revision?: string;
  /** Where people find it. */
  readonly url: string;
}

/** Whether a path of a recipe is an address. */
export function isRemote(path: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//.test(path);
}

function unpinned(spec: SourceSpec, got: string, where: string): FirnError {
  return new FirnError("DATA_SOURCE_UNPINNED", {
    expected: `the SHA-256 of every file, under \`checksums\` of source "${spec.id}"`,
    got,
    where: printableUrl(where),
    next: `Run \`firn fetch ${where}\`: it fetches the files and prints the lines for the recipe.`,
  });
}

/** The name of the file at a plain address: the last part of its path. */
export function webFileName(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  let name = "";
  try {
    name = decodeURIComponent(url?.pathname.split("/").at(-1) ?? "");
  } catch {
    // A name that is not encoded as it should be is no name.
  }
  if (
    url === undefined ||
    url.username !== "" ||
    !/^[^/\\\u0000-\u001f]+$/.test(name) ||
    /^\.+$/.test(name)
  ) {
    throw new FirnError("DOWNLOAD_ADDRESS", {
      expected: "an address that ends in the name of a file, without user and password",
      got: url === undefined ? "no address" : "another one",
      where: printableUrl(address),
      next: "Give the address of the file itself, e.g. https://example.org/texts.jsonl.gz.",
    });
  }
  return name;
}

function resolveWeb(spec: SourceSpec, address: string, access: RemoteAccess): RemoteFiles {
  const name = webFileName(address);
  const sha256 = spec.checksums?.[name];
  if (sha256 === undefined) throw unpinned(spec, `none for "${name}"`, address);
  const file = remoteFile({ name, sha256, bytes: undefined }, address, access.web, access);
  return { files: [file], url: printableUrl(address) };
}

function resolveS3(
  spec: SourceSpec,
  address: string,
  isWanted: (name: string) => boolean,
  access: RemoteAccess,
): RemoteFiles {
  const { bucket, key } = parseS3Address(address);
  const isMeant = filePattern(key, isWanted);
  const meant = Object.entries(spec.checksums ?? {}).filter(([name]) => isMeant(name));
  if (meant.length === 0) throw unpinned(spec, "none for this address", address);
  const server = s3Server(access.s3);
  const files = meant.map(([name, sha256]) =>
    remoteFile({ name, sha256, bytes: undefined }, s3Url(access.s3, bucket, name), server, access),
  );
  return { files, url: address };
}

/**
 * The files that an address means, each with the hash that it will be held against. Asks the Hub for lists, and nobody else
 * for anything.
 *
 * @throws FirnError `DATA_SOURCE_UNPINNED`, `DOWNLOAD_ADDRESS`, and those of `resolveHub`
 */
export async function resolveRemote(
  spec: SourceSpec,
  address: string,
  isWanted: (name: string) => boolean,
  access: RemoteAccess,
): Promise<RemoteFiles> {
  if (address.startsWith("hf://")) {
    const { snapshot, files } = await resolveHub(address, spec.revision, isWanted, access);
    const kind = snapshot.kind === "datasets" ? "datasets/" : "";
    return {
      files,
      revision: snapshot.commit,
      url: `${access.hub.endpoint}/${kind}${snapshot.repository}`,
    };
  }
  if (address.startsWith("s3://")) return resolveS3(spec, address, isWanted, access);
  if (/^https?:\/\//.test(address)) return resolveWeb(spec, address, access);
  throw new FirnError("DOWNLOAD_ADDRESS", {
    expected: "an address that begins with hf://, https://, http:// or s3://",
    got: "another one",
    where: printableUrl(address),
    next: "Fetch the files with another program, and name them on the disk.",
  });
}
