/**
 * @file `manifest.json`: what an artifact is, what it was made of, and the checksum of every file in it. Reading one
 * checks it: a manifest that does not belong to its own fingerprint is refused.
 */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import {
  describeError,
  FirnError,
  type Json,
  parseJson,
  sha256,
  startSha256,
  systemErrorCode,
} from "../core/index.ts";
import { ARTIFACT_KINDS, type Artifact, type Manifest } from "./artifact.ts";
import { writeJsonAtomic } from "./atomic.ts";
import { fingerprintOf } from "./fingerprint.ts";

export const MANIFEST_FILE = "manifest.json";

const MAX_MANIFEST_BYTES = 256 * 1024 * 1024;
const hexDigest = z.string().regex(/^[0-9a-f]{64}$/);
const stageName = z
  .string()
  .max(80)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/);
const kind = z.enum(ARTIFACT_KINDS);
/** A path that stays inside the artifact on every system. */
const innerPath = z
  .string()
  .min(1)
  .max(1024)
  .refine(
    (path) =>
      !/[\\\0]/.test(path) && path.split("/").every((part) => part !== "" && part !== "." && part !== ".."),
  );
const reference = z.strictObject({ kind, stage: stageName, fingerprint: hexDigest });
const json: z.ZodType<Json> = z.json();

const manifestSchema = z.strictObject({
  format: z.literal(1),
  kind,
  stage: stageName,
  fingerprint: hexDigest,
  version: z.int().min(0),
  config: json,
  inputs: z.record(z.string(), reference),
  files: z.array(z.strictObject({ path: innerPath, bytes: z.int().min(0), sha256: hexDigest })),
  summary: json,
});

/** `<stage>-<first 12 digits of the fingerprint>`, the folder's name inside `<store>/<kind>/`. */
export function artifactFolder(stage: string, fingerprint: string): string {
  return `${stage}-${fingerprint.slice(0, 12)}`;
}

/** Streams a file through SHA-256. */
export async function hashFile(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = startSha256();
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Writes the manifest into `dir`, atomically; call it after every other file is there. Returns its SHA-256. */
export async function writeManifest(dir: string, manifest: Manifest): Promise<string> {
  const path = join(dir, MANIFEST_FILE);
  await writeJsonAtomic(path, manifest);
  return sha256(await readFile(path));
}

function broken(path: string, got: string, cause?: unknown): FirnError {
  return new FirnError("ARTIFACT_MANIFEST_BROKEN", {
    expected: "the manifest that Firn wrote",
    got,
    where: path,
    next: `Put the original manifest back, or remove ${dirname(path)} and run "firn build" again to rebuild it.`,
    cause,
  });
}

/**
 * Opens the artifact in folder `dir` (of a store or copied anywhere). Checks the manifest, not the files.
 *
 * @throws FirnError `ARTIFACT_MISSING` (no such folder or no manifest in it), `ARTIFACT_MANIFEST_BROKEN` (not JSON,
 *   not a manifest, or its fields do not give its fingerprint)
 */
export async function readArtifact(dir: string): Promise<Artifact> {
  const path = join(resolve(dir), MANIFEST_FILE);
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > MAX_MANIFEST_BYTES) throw broken(path, `a file of ${size} bytes`);
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT" && systemErrorCode(error) !== "ENOTDIR") throw error;
    throw new FirnError("ARTIFACT_MISSING", {
      expected: "an artifact (a folder with manifest.json)",
      got: basename(dir).endsWith(".partial") ? "an unfinished one" : "none",
      where: resolve(dir),
      next: 'Run "firn build" to make it, or "firn show" to see what the store holds.',
      cause: error,
    });
  }
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw broken(path, describeError(error), error);
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw broken(path, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "other fields"}`, parsed.error);
  }
  const manifest: Manifest = parsed.data;
  const inputs = Object.fromEntries(
    Object.entries(manifest.inputs).map(([name, input]) => [name, input.fingerprint]),
  );
  const { stage, version, config } = manifest;
  if (fingerprintOf({ stage, version, config, inputs }) !== manifest.fingerprint) {
    throw broken(path, "a stage, version, config or input that was changed after the fingerprint was taken");
  }
  return { kind: manifest.kind, dir: resolve(dir), manifest };
}
