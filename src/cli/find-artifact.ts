/** @file Finds artifacts of a store the way people name them: by kind, folder, path or the start of a fingerprint. */
import { stat } from "node:fs/promises";
import path from "node:path";
import {
  ARTIFACT_KINDS,
  type Artifact,
  type ArtifactKind,
  type ArtifactReference,
  MANIFEST_FILE,
  readArtifact,
  type Store,
} from "../artifacts/index.ts";
import { FirnError, nearestName, systemErrorCode } from "../core/index.ts";

function isKind(name: string): name is ArtifactKind {
  return (ARTIFACT_KINDS as readonly string[]).includes(name);
}

async function isFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ENOTDIR") return false;
    throw error;
  }
}

/** Every artifact that `name` means; all of the store for `undefined`. */
export async function findArtifacts(store: Store, name: string | undefined): Promise<Artifact[]> {
  if (name !== undefined && (await isFile(path.join(name, MANIFEST_FILE))))
    return [await readArtifact(path.resolve(name))];
  const all = await store.list();
  if (name === undefined) return all;
  if (isKind(name)) return all.filter(({ kind }) => kind === name);
  const found = all.filter(({ dir, manifest }) => {
    const folder = path.basename(dir);
    return (
      folder === name ||
      `${manifest.kind}/${folder}` === name ||
      manifest.stage === name ||
      (name.length >= 4 && manifest.fingerprint.startsWith(name))
    );
  });
  if (found.length > 0) return found;
  const known = [
    ...ARTIFACT_KINDS,
    ...all.map(({ dir }) => path.basename(dir)),
    ...all.map(({ manifest }) => manifest.stage),
  ];
  const near = nearestName(name, known);
  throw new FirnError("CLI_NO_ARTIFACT", {
    expected: "a kind, a stage, the folder of an artifact, or the first digits of its fingerprint",
    got: name,
    where: store.dir,
    next: near === undefined ? "`firn show` lists what the store holds." : `Did you mean \`${near}\`?`,
  });
}

/** When an artifact was finished: its manifest is the last file written. */
async function finishedAt({ dir }: Artifact): Promise<number> {
  return (await stat(path.join(dir, MANIFEST_FILE))).mtimeMs;
}

/** The artifact of `stage` that was finished last. */
export async function newestOfStage(store: Store, stage: string, next: string): Promise<Artifact> {
  const found = (await store.list({ onBroken: () => undefined })).filter(
    ({ manifest }) => manifest.stage === stage,
  );
  const timed = await Promise.all(
    found.map(async (artifact) => ({ artifact, time: await finishedAt(artifact) })),
  );
  const newest = timed.sort((a, b) => b.time - a.time)[0];
  if (newest !== undefined) return newest.artifact;
  throw new FirnError("CLI_NO_ARTIFACT", {
    expected: `an artifact of stage ${stage} in the store`,
    got: "none",
    where: store.dir,
    next,
  });
}

/** The input `name` of `artifact`, from the same store. */
export async function inputOf(store: Store, artifact: Artifact, name: string): Promise<Artifact> {
  const reference: ArtifactReference | undefined = artifact.manifest.inputs[name];
  const found =
    reference === undefined
      ? undefined
      : await store.find(reference.kind, reference.stage, reference.fingerprint);
  if (found !== undefined) return found;
  throw new FirnError("CLI_NO_ARTIFACT", {
    expected: `the ${name} that ${path.basename(artifact.dir)} was made from`,
    got: reference === undefined ? "an artifact that was not made from any" : "nothing in the store",
    where: store.dir,
    next: "Build the recipe again in this store, or use the store in which it was built.",
  });
}
