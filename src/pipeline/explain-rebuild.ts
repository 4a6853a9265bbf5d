/** @file Why does this stage run again? The differences between what is wanted and what the store holds. */
import type { Artifact, ArtifactKind, FingerprintParts } from "../artifacts/index.ts";
import { canonicalJson, type Json } from "../core/index.ts";

/** One thing that differs; `undefined` where it was not set. */
export interface Change {
  /** `version`, `config.optimizer.rate`, `inputs.tokens`. */
  readonly path: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

export interface Rebuild {
  /** The artifact of the same stage that comes nearest. */
  readonly nearest: Artifact;
  readonly changes: readonly Change[];
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function collectChanges(
  path: string,
  before: Json | undefined,
  after: Json | undefined,
  found: Change[],
): void {
  if (isObject(before) && isObject(after)) {
    for (const key of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
      collectChanges(path === "" ? key : `${path}.${key}`, before[key], after[key], found);
    }
  } else if (canonicalJson(before ?? null) !== canonicalJson(after ?? null)) {
    found.push({ path, before, after });
  }
}

function changesBetween(artifact: Artifact, wanted: FingerprintParts): Change[] {
  const { version, config, inputs } = artifact.manifest;
  const prints = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.fingerprint]));
  const changes: Change[] = [];
  collectChanges(
    "",
    { version, config, inputs: prints },
    { version: wanted.version, config: wanted.config, inputs: wanted.inputs },
    changes,
  );
  return changes;
}

/**
 * Compares what is wanted with the `artifacts` of the same stage, field by field, and keeps the one that differs
 * least; `undefined` if the stage has made nothing yet.
 */
export function explainRebuild(
  wanted: FingerprintParts & { readonly kind: ArtifactKind },
  artifacts: readonly Artifact[],
): Rebuild | undefined {
  let best: Rebuild | undefined;
  for (const artifact of artifacts) {
    if (artifact.kind !== wanted.kind || artifact.manifest.stage !== wanted.stage) continue;
    const changes = changesBetween(artifact, wanted);
    if (best === undefined || changes.length < best.changes.length) best = { nearest: artifact, changes };
  }
  return best;
}

function shortText(value: Json | undefined): string {
  if (value === undefined) return "unset";
  const text = canonicalJson(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

/** `config.steps 100 → 200; input tokens changed`, for people. */
export function describeChanges(changes: readonly Change[]): string {
  return changes
    .map(({ path, before, after }) =>
      path.startsWith("inputs.")
        ? `input ${path.slice("inputs.".length)} changed`
        : `${path} ${shortText(before)} → ${shortText(after)}`,
    )
    .join("; ");
}
