/**
 * @file The record that makes a folder an artifact. A folder without `manifest.json` is not an artifact: the
 * manifest is written last, after every file it lists, and the folder is renamed into place after that.
 */
import type { Json } from "../core/index.ts";

/** The nouns on disk. */
export const ARTIFACT_KINDS = [
  "source",
  "documents",
  "tokenizer",
  "tokens",
  "conversations",
  "weights",
  "evaluations",
  "release",
] as const;
export type ArtifactKind = (typeof ARTIFACT_KINDS)[number];

/** Names an artifact from inside another one's manifest. */
export interface ArtifactReference {
  readonly kind: ArtifactKind;
  readonly stage: string;
  /** 64 hex digits: SHA-256 over canonical JSON of (stage, version, config, input fingerprints). */
  readonly fingerprint: string;
}

export interface ManifestFile {
  /** Path inside the artifact, `/`-separated. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** `manifest.json`. Holds nothing that differs between two runs of the same recipe: no times, no host names. */
export interface Manifest extends ArtifactReference {
  readonly format: 1;
  readonly version: number;
  readonly config: Json;
  readonly inputs: { readonly [name: string]: ArtifactReference };
  readonly files: readonly ManifestFile[];
  /** What the stage counted, for `firn show` and for the stages behind it. */
  readonly summary: Json;
}

/** A finished artifact in a store. */
export interface Artifact {
  readonly kind: ArtifactKind;
  /** Absolute folder `<store>/<kind>/<stage>-<first 12 digits of the fingerprint>`. */
  readonly dir: string;
  readonly manifest: Manifest;
}
