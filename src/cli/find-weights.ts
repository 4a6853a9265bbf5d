/**
 * @file Which weights `export` reads: a Hugging Face folder, a release or weights artifact of the store, or the newest
 * release; with the tokenizer that belongs to them.
 */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { type Artifact, MANIFEST_FILE, openStore, readArtifact, type Store } from "../artifacts/index.ts";
import { FirnError, systemErrorCode } from "../core/index.ts";
import { isMegatronFolder } from "../release/index.ts";
import { findArtifacts, newestOfStage } from "./find-artifact.ts";
import { pulledFolder } from "./pulled-folder.ts";

export interface FoundWeights {
  /** Folder with config.json and safetensors. */
  readonly dir: string;
  /** Folder with tokenizer.json; undefined where there is none. */
  readonly tokenizerDir: string | undefined;
  /** What files made of it are called. */
  readonly name: string;
  /** True inside a store, where nothing may be added. */
  readonly sealed: boolean;
  readonly version?: string;
  /** SPDX identifier, as the model card says. */
  readonly licence?: string;
  /** ISO 639 codes, as the model card says. */
  readonly languages: readonly string[];
}

async function isFile(...parts: string[]): Promise<boolean> {
  try {
    return (await stat(path.join(...parts))).isFile();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ENOTDIR") return false;
    throw error;
  }
}

const cardSchema = z.object({
  license: z.string().max(100).optional(),
  language: z.union([z.string().transform((code) => [code]), z.array(z.string())]).optional(),
});

/** Licence and languages from the head of a model card; nothing where it has none that can be read. */
async function readCard(dir: string): Promise<z.infer<typeof cardSchema>> {
  if (!(await isFile(dir, "README.md"))) return {};
  const head = /^---\n([^]{0,100000}?)\n---/.exec(await readFile(path.join(dir, "README.md"), "utf8"));
  if (head === null) return {};
  try {
    return cardSchema.parse(parse(head[1]!));
  } catch {
    return {};
  }
}

async function describe(
  dir: string,
  name: string,
  tokenizerDir: string | undefined,
  sealed: boolean,
): Promise<FoundWeights> {
  const { license, language } = await readCard(dir);
  return {
    dir,
    name: name.replace(/[^A-Za-z0-9._-]/g, "-"),
    tokenizerDir,
    sealed,
    languages: language ?? [],
    ...(license === undefined ? {} : { licence: license }),
  };
}

/** The tokenizer that an artifact was made with: the nearest one among what it was made from. */
async function tokenizerBehind(store: Store, artifact: Artifact): Promise<string | undefined> {
  const queue = [artifact];
  for (const current of queue) {
    for (const reference of Object.values(current.manifest.inputs)) {
      const found = await store.find(reference.kind, reference.stage, reference.fingerprint);
      if (found?.kind === "tokenizer") return found.dir;
      if (found !== undefined) queue.push(found);
    }
  }
  return undefined;
}

const releaseSchema = z.object({ name: z.string(), version: z.string() });

async function ofArtifact(store: Store, artifact: Artifact): Promise<FoundWeights> {
  const { dir, kind, manifest } = artifact;
  if (kind === "release") {
    const { name, version } = releaseSchema.parse(manifest.summary);
    return { ...(await describe(dir, name, dir, true)), version };
  }
  return describe(dir, path.basename(dir), await tokenizerBehind(store, artifact), true);
}

async function ofFolder(dir: string): Promise<FoundWeights> {
  const tokenizerDir = (await isFile(dir, "tokenizer.json")) ? dir : undefined;
  return describe(dir, path.basename(dir), tokenizerDir, false);
}

/**
 * Finds the weights that `name` means; the newest release for undefined.
 *
 * @throws FirnError `CLI_NO_ARTIFACT`, `CLI_NO_WEIGHTS`
 */
export async function findWeights(name: string | undefined, storeDir: string): Promise<FoundWeights> {
  const store = openStore(storeDir);
  if (name === undefined) {
    const next = "Build one with `npx firn build nano`, or name a folder of weights.";
    return ofArtifact(store, await newestOfStage(store, "release", next));
  }
  const dir = (await pulledFolder(name)) ?? path.resolve(name);
  if (await isFile(dir, MANIFEST_FILE)) return ofArtifact(store, await readArtifact(dir));
  if ((await isFile(dir, "config.json")) || (await isMegatronFolder(dir))) return ofFolder(dir);
  const noWeights = (got: string, next: string): FirnError =>
    new FirnError("CLI_NO_WEIGHTS", {
      expected: "weights: a folder with config.json and safetensors, or a release or weights of the store",
      got,
      where: name,
      next,
    });
  if (name.endsWith(".gguf"))
    throw noWeights("a GGUF file", "Export from the folder of weights that it was made of.");
  if (/^[\w.-]+\/[\w.-]+$/.test(name) && !(await isFile(name))) {
    const known = await findArtifacts(store, name).catch(() => []);
    if (known.length === 0) {
      throw noWeights("no such folder", `To get it from the Hugging Face Hub: npx firn pull ${name}`);
    }
  }
  const found = (await findArtifacts(store, name)).filter(
    ({ kind }) => kind === "release" || kind === "weights",
  );
  if (found.length === 1) return ofArtifact(store, found[0]!);
  throw noWeights(
    found.length === 0 ? "nothing of that kind" : `${found.length} of them`,
    `Name one: ${found
      .slice(0, 3)
      .map(({ dir: folder }) => path.basename(folder))
      .join(", ")}`,
  );
}
