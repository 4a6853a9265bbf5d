/** @file The name of what a stage makes: known before it is made, from what it is made of. */
import { canonicalJson, type Json, sha256 } from "../core/index.ts";

export interface FingerprintParts {
  readonly stage: string;
  readonly version: number;
  readonly config: Json;
  /** The fingerprint of each input artifact, by the stage's name for it. */
  readonly inputs: { readonly [name: string]: string };
}

/** SHA-256 (64 hex digits) over the canonical JSON of `parts`: the order of keys does not matter, all else does. */
export function fingerprintOf({ stage, version, config, inputs }: FingerprintParts): string {
  return sha256(canonicalJson({ stage, version, config, inputs }));
}
