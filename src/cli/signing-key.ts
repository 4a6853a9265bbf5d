/** @file The provider's private key: read where it lies, or made there the first time. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Reporter, systemErrorCode } from "../core/index.ts";
import { newSigningKey } from "../release/index.ts";

export interface SigningKey {
  readonly pem: string;
  readonly where: string;
}

/** The key in `file`; a missing one is made, for its owner's eyes only, and that is said. */
export async function readOrMakeKey(file: string, report: Reporter): Promise<SigningKey> {
  try {
    return { pem: await readFile(file, "utf8"), where: file };
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
  const pem = newSigningKey();
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, pem, { mode: 0o600, flag: "wx" });
  report.line(`Wrote a new signing key to ${file}. Keep it safe and to yourself: it speaks for you.`);
  return { pem, where: file };
}
