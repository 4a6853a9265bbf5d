/**
 * @file A journal: one file that says how far a long piece of work is, for a run that comes after a kill. It is replaced in
 * one step, carries its own hash and the identity of the work, and whoever reads it gets all of it or nothing.
 */
import { readFile } from "node:fs/promises";
import { deserialize, serialize } from "node:v8";
import { describeError, sha256, systemErrorCode } from "../core/index.ts";
import { writeFileAtomic } from "./atomic.ts";

/** Hex digits of the hash that a journal begins with. */
const HASH_LENGTH = 64;

/** What was found of a journal: its state, why there is none to be trusted, or nothing at all. */
export type FoundJournal = { readonly state: unknown } | { readonly fault: string } | undefined;

/**
 * Replaces the journal at `path`. `identity` names the work and the form of `state`, which may hold whatever can be cloned
 * (objects that stand in it twice are one object afterwards, too).
 */
export async function writeJournal(path: string, identity: string, state: unknown): Promise<void> {
  const payload = serialize({ identity, state });
  await writeFileAtomic(path, Buffer.concat([Buffer.from(sha256(payload)), payload]));
}

/** Reads the journal at `path`; one that is damaged, cut off, or of other work is a fault. */
export async function readJournal(path: string, identity: string): Promise<FoundJournal> {
  const bytes = await readFile(path).catch((error: unknown) => {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    return undefined;
  });
  if (bytes === undefined) return undefined;
  const payload = bytes.subarray(HASH_LENGTH);
  if (bytes.toString("latin1", 0, HASH_LENGTH) !== sha256(payload))
    return { fault: "it is damaged or cut off" };
  try {
    const found = deserialize(payload) as { identity: unknown; state: unknown };
    if (found.identity === identity) return { state: found.state };
    return { fault: "it belongs to other input or settings, or to another version of Firn" };
  } catch (error) {
    return { fault: describeError(error) };
  }
}
