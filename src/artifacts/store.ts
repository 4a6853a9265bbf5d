/**
 * @file The store: a folder of artifacts. It is the only place that makes, finds and seals them.
 *
 *     <store>/<kind>/<stage>-<fp12>/            a finished artifact (has manifest.json)
 *     <store>/<kind>/<stage>-<fp12>.partial/    one that is being made, or was interrupted
 *     <store>/<kind>/<stage>-<fp12>.lock        the process that makes it
 *     <store>/.verified/<fingerprint>.json      a cache, see verify.ts
 *     <store>/ledger/                           see the ledger room
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { assert, FirnError, type Json, systemErrorCode } from "../core/index.ts";
import {
  ARTIFACT_KINDS,
  type Artifact,
  type ArtifactKind,
  type ArtifactReference,
  type Manifest,
} from "./artifact.ts";
import { syncFile, syncFolder, UNFINISHED_SUFFIX, withDiskErrors } from "./atomic.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { type Lock, takeLock } from "./lock.ts";
import { artifactFolder, hashFile, MANIFEST_FILE, readArtifact, writeManifest } from "./manifest.ts";
import { listFiles, rememberVerified, verifyFiles } from "./verify.ts";

/** An artifact being made. Only the process that began it may write into `dir`. */
export interface Draft extends ArtifactReference {
  /** `<store>/<kind>/<stage>-<fp12>.partial` */
  readonly dir: string;
  /** True if `dir` holds what an interrupted run left. */
  readonly resumed: boolean;
  /** Lets go of the draft and leaves its files for a later run. Harmless after `commit`. */
  release(): void;
}

/** What the manifest says beyond names and checksums. */
export interface ManifestParts {
  readonly version: number;
  readonly config: Json;
  readonly inputs: { readonly [name: string]: ArtifactReference };
  readonly summary: Json;
}

export interface Store {
  /** Absolute folder. */
  readonly dir: string;
  /**
   * The finished artifact with this fingerprint, or `undefined`. Does not look at its files; see `verify`.
   *
   * @throws FirnError `ARTIFACT_MANIFEST_BROKEN`, `ARTIFACT_MISSING` (its folder is there, its manifest is not)
   */
  find(kind: ArtifactKind, stage: string, fingerprint: string): Promise<Artifact | undefined>;
  /** True if an interrupted run left a draft of this artifact. */
  hasDraft(kind: ArtifactKind, stage: string, fingerprint: string): boolean;
  /** All finished artifacts, sorted by kind and folder. A broken one is told to `onBroken`, else thrown. */
  list(options?: { readonly onBroken?: (error: FirnError) => void }): Promise<Artifact[]>;
  /**
   * Starts or goes on with an artifact. `keep` leaves what an interrupted run wrote; else the draft begins empty.
   *
   * @throws FirnError `STORE_LOCKED` if another process is making it
   */
  begin(reference: ArtifactReference, options: { readonly keep: boolean }): Promise<Draft>;
  /** Hashes and flushes every file, writes the manifest, renames the draft into place and lets go of it. */
  commit(draft: Draft, parts: ManifestParts): Promise<Artifact>;
  /** Throws `ARTIFACT_EDITED` unless the files are those of the manifest; `deep` hashes them all again. */
  verify(artifact: Artifact, options?: { readonly deep?: boolean }): Promise<void>;
}

/** Removes files and folders that were only there for the work. */
async function removeUnfinished(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.name.endsWith(UNFINISHED_SUFFIX)) await rm(path, { recursive: true });
    else if (entry.isDirectory()) await removeUnfinished(path);
  }
}

/** Flushes `dir` and every folder under it. */
async function syncFolders(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncFolders(join(dir, entry.name));
  }
  await syncFolder(dir);
}

class FolderStore implements Store {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = resolve(dir);
  }

  #path(kind: ArtifactKind, stage: string, fingerprint: string): string {
    return join(this.dir, kind, artifactFolder(stage, fingerprint));
  }

  #cachePath(artifact: Artifact): string {
    return join(this.dir, ".verified", `${artifact.manifest.fingerprint}.json`);
  }

  async find(kind: ArtifactKind, stage: string, fingerprint: string): Promise<Artifact | undefined> {
    const dir = this.#path(kind, stage, fingerprint);
    if (!existsSync(dir)) return undefined;
    const artifact = await readArtifact(dir);
    if (artifact.manifest.fingerprint !== fingerprint || artifact.kind !== kind) {
      throw new FirnError("ARTIFACT_MANIFEST_BROKEN", {
        expected: `the manifest of ${kind} ${fingerprint}`,
        got: `that of ${artifact.kind} ${artifact.manifest.fingerprint}`,
        where: dir,
        next: `Move the folder away and run "firn build" again.`,
      });
    }
    return artifact;
  }

  hasDraft(kind: ArtifactKind, stage: string, fingerprint: string): boolean {
    return existsSync(`${this.#path(kind, stage, fingerprint)}.partial`);
  }

  async list({ onBroken }: { readonly onBroken?: (error: FirnError) => void } = {}): Promise<Artifact[]> {
    const artifacts: Artifact[] = [];
    for (const kind of ARTIFACT_KINDS) {
      const entries = await readdir(join(this.dir, kind), { withFileTypes: true }).catch((error: unknown) => {
        if (systemErrorCode(error) === "ENOENT") return [];
        throw error;
      });
      const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.endsWith(".partial"));
      for (const name of folders.map((entry) => entry.name).sort()) {
        try {
          artifacts.push(await readArtifact(join(this.dir, kind, name)));
        } catch (error) {
          if (onBroken === undefined || !(error instanceof FirnError)) throw error;
          onBroken(error);
        }
      }
    }
    return artifacts;
  }

  async begin(reference: ArtifactReference, { keep }: { readonly keep: boolean }): Promise<Draft> {
    const { kind, stage, fingerprint } = reference;
    const path = this.#path(kind, stage, fingerprint);
    const dir = `${path}.partial`;
    const lock: Lock = await takeLock(`${path}.lock`, `${kind} ${artifactFolder(stage, fingerprint)}`);
    const resumed = keep && existsSync(dir);
    try {
      await withDiskErrors(dir, 0, async () => {
        if (!keep) await rm(dir, { recursive: true, force: true });
        await mkdir(dir, { recursive: true });
        // A kill between the last two steps of `commit` leaves a manifest; the stage must not see it.
        await rm(join(dir, MANIFEST_FILE), { force: true });
      });
    } catch (error) {
      lock.release();
      throw error;
    }
    let open = true;
    const release = (): void => {
      if (open) lock.release();
      open = false;
    };
    return { kind, stage, fingerprint, dir, resumed, release };
  }

  async commit(draft: Draft, { version, config, inputs, summary }: ManifestParts): Promise<Artifact> {
    const { kind, stage, fingerprint } = draft;
    const inputPrints = Object.fromEntries(
      Object.entries(inputs).map(([name, input]) => [name, input.fingerprint]),
    );
    assert(
      fingerprintOf({ stage, version, config, inputs: inputPrints }) === fingerprint,
      "a draft is committed with the parts of its fingerprint",
    );
    await removeUnfinished(draft.dir);
    const files: { path: string; bytes: number; sha256: string }[] = [];
    for (const path of await listFiles(draft.dir)) {
      files.push({ path, ...(await hashFile(join(draft.dir, path))) });
      await withDiskErrors(join(draft.dir, path), 0, () => syncFile(join(draft.dir, path)));
    }
    const references = Object.fromEntries(
      Object.entries(inputs).map(([name, input]) => [
        name,
        { kind: input.kind, stage: input.stage, fingerprint: input.fingerprint },
      ]),
    );
    const manifest: Manifest = {
      format: 1,
      kind,
      stage,
      fingerprint,
      version,
      config,
      inputs: references,
      files,
      summary,
    };
    await writeManifest(draft.dir, manifest);
    const dir = this.#path(kind, stage, fingerprint);
    await withDiskErrors(dir, 0, async () => {
      await syncFolders(draft.dir);
      await rename(draft.dir, dir);
      await syncFolder(dirname(dir));
    });
    // Read back: what callers get is what later runs will find.
    const artifact = await readArtifact(dir);
    await rememberVerified(artifact, this.#cachePath(artifact));
    draft.release();
    return artifact;
  }

  async verify(artifact: Artifact, options: { readonly deep?: boolean } = {}): Promise<void> {
    await verifyFiles(artifact, { ...options, cachePath: this.#cachePath(artifact) });
  }
}

/** The store in folder `dir`, which need not exist yet. Reads and writes nothing by itself. */
export function openStore(dir: string): Store {
  return new FolderStore(dir);
}

/** The part of an artifact that other manifests name it by. */
export function referenceTo(artifact: Artifact): ArtifactReference {
  const { kind, stage, fingerprint } = artifact.manifest;
  return { kind, stage, fingerprint };
}
