/**
 * @file A release on its way out of the store: a copy in a folder of its own, with the checksums of everything in it
 * and, where there is a key, the signature.
 */
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { listFiles, MANIFEST_FILE, writeFileAtomic, writeJsonAtomic } from "../artifacts/index.ts";
import { FirnError, type Work } from "../core/index.ts";
import { CHECKSUMS, hashRelease, type ReleaseFile, writeChecksums } from "./checksums.ts";
import { FEED_FILE } from "./papers/feed.ts";
import { LEGAL } from "./papers/write-papers.ts";
import { PUBLIC_KEY, publicPem, readSigningKey, SIGNATURE, signFiles } from "./signature.ts";

/** Where a published release says how long the ledger was. */
export const LEDGER_FILE = "ledger.json";

export const releaseLedgerSchema = z.strictObject({
  /** Facts in the ledger. */
  facts: z.int().min(0),
  /** Hash of the newest. */
  head: z.string().regex(/^[0-9a-f]{64}$/),
});
export type ReleaseLedger = z.infer<typeof releaseLedgerSchema>;

export interface PublishOptions {
  /** The release to copy; it was verified. */
  readonly releaseDir: string;
  /** Where it goes; must not hold anything. */
  readonly dir: string;
  readonly name: string;
  /** Files to add, by path: the portal's pages. */
  readonly extra?: ReadonlyMap<string, Uint8Array>;
  /** `changes.atom`, this publication included. */
  readonly feed: string;
  /** The newest fact of the ledger, which a copy made afterwards must still hold. */
  readonly ledger: ReleaseLedger;
  readonly signingKey?: { readonly pem: string; readonly where: string };
}

/** What was published. */
export type Published = {
  readonly files: number;
  readonly bytes: number;
  readonly checksums: string;
  readonly signed: boolean;
};

async function requireEmpty(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const names = await readdir(dir);
  if (names.length === 0) return;
  throw new FirnError("RELEASE_TARGET", {
    expected: "an empty folder, or a name that is not taken",
    got: `a folder with ${names.length} things in it`,
    where: dir,
    next: "Choose another --out; a published release is never written over.",
  });
}

/**
 * Copies the release, adds `extra`, and writes checksums and signature last.
 *
 * @throws FirnError `RELEASE_TARGET`, `RELEASE_KEY`, `DISK_…`
 */
export async function publishRelease(options: PublishOptions, work: Work): Promise<Published> {
  const { releaseDir, dir, extra, signingKey } = options;
  const key = signingKey === undefined ? undefined : readSigningKey(signingKey.pem, signingKey.where);
  await requireEmpty(dir);
  const paths = (await listFiles(releaseDir)).filter((path) => path !== MANIFEST_FILE && path !== CHECKSUMS);
  const task = work.report.task("publish", paths.length, "files");
  for (const [index, path] of paths.entries()) {
    work.signal.throwIfAborted();
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await copyFile(join(releaseDir, path), join(dir, path));
    task.update(index + 1, path);
  }
  for (const [path, bytes] of extra ?? []) await writeFileAtomic(join(dir, path), bytes);
  await writeFileAtomic(join(dir, LEGAL, FEED_FILE), options.feed);
  await writeJsonAtomic(join(dir, LEGAL, LEDGER_FILE), options.ledger);
  const files: ReleaseFile[] = await hashRelease(dir);
  const checksums = await writeChecksums(dir, files);
  if (key !== undefined) {
    await writeFileAtomic(join(dir, PUBLIC_KEY), publicPem(key));
    const known = new Map(files.map((file) => [file.path, file]));
    await writeFileAtomic(join(dir, SIGNATURE), signFiles(options.name, await hashRelease(dir, known), key));
  }
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  task.finish(`${files.length} files in ${dir}${key === undefined ? ", not signed" : ", signed"}`);
  return { files: files.length, bytes, checksums, signed: key !== undefined };
}
