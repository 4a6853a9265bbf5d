/**
 * @file Is this folder the release that was published? Checksums of weights and papers, the signature, and whether the
 * papers cite facts that are there; all offline.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { MANIFEST_FILE } from "../artifacts/index.ts";
import { FirnError, systemErrorCode, parseJson } from "../core/index.ts";
import { factId } from "../ledger/index.ts";
import { CHECKSUMS, hashRelease, type ReleaseFile } from "./checksums.ts";
import { LEGAL } from "./papers/write-papers.ts";
import { LEDGER_FILE, type ReleaseLedger, releaseLedgerSchema } from "./publish.ts";
import { checkSignature, PUBLIC_KEY, readPublicKey, SIGNATURE } from "./signature.ts";

export interface ReleaseVerdict {
  readonly files: number;
  readonly bytes: number;
  /** Facts that the papers cite, all found. */
  readonly facts: number;
  /** `named`: signed by the key the caller gave. `enclosed`: by the key that lies in the folder itself. */
  readonly signature: "named" | "enclosed" | "none";
  /** SHA-256 of the key's PEM, for comparison over the telephone. */
  readonly key: string | undefined;
  /** Where the ledger stood at publication; undefined for a release in its store. */
  readonly ledger: ReleaseLedger | undefined;
}

/** Files that describe the others, or belong to the store and not to the release. */
const OUTSIDE_CHECKSUMS = new Set([CHECKSUMS, SIGNATURE, PUBLIC_KEY, MANIFEST_FILE]);
const OUTSIDE_SIGNATURE = new Set([SIGNATURE, MANIFEST_FILE]);

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** `SHA256SUMS` as a table. */
function readSums(text: string, where: string): Map<string, string> {
  const sums = new Map<string, string>();
  for (const [index, line] of text.trimEnd().split("\n").entries()) {
    const match = /^([0-9a-f]{64}) {2}(.+)$/.exec(line);
    if (match === null || sums.has(match[2]!)) {
      throw new FirnError("RELEASE_CHANGED", {
        expected: "lines of a checksum and a file name, each name once",
        got: JSON.stringify(line.slice(0, 100)),
        where: `${where}:${index + 1}`,
        next: "Get the release again from where it is published.",
      });
    }
    sums.set(match[2]!, match[1]!);
  }
  return sums;
}

/** What differs between the files and a list of checksums, in words. */
function differences(
  files: readonly ReleaseFile[],
  sums: ReadonlyMap<string, string>,
  left: ReadonlySet<string>,
): string[] {
  const found = new Set(files.map(({ path }) => path));
  return [
    ...[...sums.keys()].filter((path) => !found.has(path)).map((path) => `${path} is missing`),
    ...files
      .filter(({ path }) => !left.has(path))
      .flatMap(({ path, sha256 }) => {
        const expected = sums.get(path);
        if (expected === undefined) return [`${path} was added`];
        return expected === sha256 ? [] : [`${path} was changed`];
      }),
  ];
}

function refuse(dir: string, faults: readonly string[], by: string): void {
  if (faults.length === 0) return;
  const more = faults.length > 5 ? ` and ${faults.length - 5} more` : "";
  throw new FirnError("RELEASE_CHANGED", {
    expected: `the files that ${by} lists`,
    got: `${faults.slice(0, 5).join("; ")}${more}`,
    where: dir,
    next: "Do not use this copy; get the release again from where it is published.",
  });
}

const factSchema = z.object({
  id: z.string(),
  kind: z.string(),
  stage: z.string(),
  fingerprint: z.string(),
  data: z.json(),
});

function parseReleaseFact(line: string): z.infer<typeof factSchema> | undefined {
  try {
    return factSchema.parse(parseJson(line));
  } catch {
    return undefined;
  }
}

/** The ids of `facts.jsonl`; each must be the hash of what its line says. */
async function readFactIds(dir: string): Promise<Set<string>> {
  const path = join(dir, LEGAL, "facts.jsonl");
  const text = (await readText(path)) ?? "";
  const ids = new Set<string>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const fact = parseReleaseFact(line);
    if (fact === undefined || factId({ ...fact, attempt: 0 }) !== fact.id) {
      throw new FirnError("RELEASE_FACTS", {
        expected: "facts whose ids are the hashes of what they say",
        got: `line ${index + 1}, which was altered`,
        where: path,
        next: "Do not rely on these papers; get the release again from where it is published.",
      });
    }
    ids.add(fact.id.slice(0, 12));
  }
  return ids;
}

async function checkCitations(dir: string, files: readonly ReleaseFile[]): Promise<number> {
  const known = await readFactIds(dir);
  const cited = new Set<string>();
  for (const { path } of files.filter(
    (file) => file.path.startsWith(`${LEGAL}/`) && file.path.endsWith(".md"),
  )) {
    const text = await readFile(join(dir, path), "utf8");
    for (const match of text.matchAll(/`fact:([0-9a-f]{12})`/g)) {
      cited.add(match[1]!);
      if (known.has(match[1]!)) continue;
      throw new FirnError("RELEASE_FACTS", {
        expected: "papers that cite facts of facts.jsonl",
        got: `fact ${match[1]}, which is not there`,
        where: join(dir, path),
        next: "Do not rely on these papers; get the release again from where it is published.",
      });
    }
  }
  return cited.size;
}

/** Where the ledger stood when the release was published; undefined for one in its store. */
async function readLedgerHead(dir: string): Promise<ReleaseLedger | undefined> {
  const text = await readText(join(dir, LEGAL, LEDGER_FILE));
  if (text === undefined) return undefined;
  try {
    return releaseLedgerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FirnError("RELEASE_FACTS", {
      expected: "where the ledger stood: facts, head",
      got: "something else",
      where: join(dir, LEGAL, LEDGER_FILE),
      next: "Get the release again from where it is published.",
      cause,
    });
  }
}

/**
 * Verifies the release in `dir`.
 *
 * @param publicKeyPem the provider's key, got from somewhere else than the release
 * @throws FirnError `RELEASE_NOT_ONE`, `RELEASE_CHANGED`, `RELEASE_SIGNATURE`, `RELEASE_KEY`, `RELEASE_FACTS`
 */
export async function verifyRelease(dir: string, publicKeyPem?: string): Promise<ReleaseVerdict> {
  const sums = await readText(join(dir, CHECKSUMS));
  if (sums === undefined) {
    throw new FirnError("RELEASE_NOT_ONE", {
      expected: `the folder of a release, with ${CHECKSUMS}`,
      got: "no such file",
      where: dir,
      next: "Give the folder that `firn release` wrote, or an artifact of kind release.",
    });
  }
  const files = await hashRelease(dir);
  refuse(dir, differences(files, readSums(sums, join(dir, CHECKSUMS)), OUTSIDE_CHECKSUMS), CHECKSUMS);
  const text = await readText(join(dir, SIGNATURE));
  const enclosed = await readText(join(dir, PUBLIC_KEY));
  const pem = publicKeyPem ?? enclosed;
  let key: string | undefined;
  if (text === undefined && publicKeyPem !== undefined) {
    throw new FirnError("RELEASE_SIGNATURE", {
      expected: `a signature, ${SIGNATURE}`,
      got: "none",
      where: dir,
      next: "The provider may publish it elsewhere; without it only the checksums speak for this copy.",
    });
  }
  if (text !== undefined && pem !== undefined) {
    const where = join(dir, SIGNATURE);
    const signed = checkSignature(text, readPublicKey(pem, PUBLIC_KEY), where);
    refuse(dir, differences(files, signed.files, OUTSIDE_SIGNATURE), "the signature");
    key = signed.key;
  }
  return {
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    facts: await checkCitations(dir, files),
    ledger: await readLedgerHead(dir),
    signature: key === undefined ? "none" : publicKeyPem === undefined ? "enclosed" : "named",
    key,
  };
}
