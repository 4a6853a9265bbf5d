/**
 * @file One process at a time. A lock is a file that names its owner; when the owner is dead (after `kill -9` or a power
 * cut) the next process takes the lock over, so that nobody has to remove lock files by hand.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FirnError, systemErrorCode } from "../core/index.ts";
import { withDiskErrors } from "./atomic.ts";

export interface Lock {
  release(): Promise<void>;
}

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When the process began, as the system counts it; tells a reused process number from its former owner. */
  readonly started: string | null;
  /** Different for every lock taken. */
  readonly ticket: string;
}

/** Tickets of the locks this process holds: all there is to tell them by where the system has no /proc. */
const held = new Set<string>();

/** Field 22 of /proc/<pid>/stat, the start in clock ticks; `null` where there is no /proc, `undefined` if dead. */
function processStart(pid: number): string | null | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    try {
      process.kill(pid, 0);
      return null;
    } catch (error) {
      return systemErrorCode(error) === "ESRCH" ? undefined : null;
    }
  }
}

function isAlive(owner: Owner): boolean {
  if (owner.host !== hostname()) return true;
  if (owner.pid === process.pid && owner.started === null) return held.has(owner.ticket);
  const start = processStart(owner.pid);
  if (start === undefined) return false;
  return start === null || owner.started === null || start === owner.started;
}

function parseOwner(text: string): Owner | undefined {
  try {
    const value = JSON.parse(text) as Partial<Owner> | null;
    if (Number.isSafeInteger(value?.pid) && value!.pid! > 0 && typeof value!.host === "string") {
      const { started, ticket } = value!;
      return {
        pid: value!.pid!,
        host: value!.host,
        started: typeof started === "string" ? started : null,
        ticket: String(ticket),
      };
    }
  } catch {
    // A torn lock file: its owner was killed while writing it.
  }
  return undefined;
}

async function tryCreate(path: string, owner: Owner): Promise<boolean> {
  // Written under another name and linked, so that the lock never exists without its owner's name in it.
  const draft = `${path}.${owner.ticket}`;
  try {
    const handle = await open(draft, "wx");
    try {
      await handle.writeFile(JSON.stringify(owner));
    } finally {
      await handle.close();
    }
    await link(draft, path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Moves a dead owner's lock away; puts it back if a living process renewed it in the meantime. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return;
    throw error;
  }
  if ((await readFile(aside, "utf8")) !== stale) {
    await link(aside, path).catch((error: unknown) => {
      if (systemErrorCode(error) !== "EEXIST") throw error;
    });
  }
  await rm(aside, { force: true });
}

/**
 * Takes the lock at `path`, waiting up to `waitMs` (default: not at all) for a living owner to let go.
 *
 * @param what what the lock protects, for the error message
 * @throws FirnError `STORE_LOCKED` naming the process that holds it
 */
export async function takeLock(
  path: string,
  what: string,
  { waitMs = 0 }: { readonly waitMs?: number } = {},
): Promise<Lock> {
  const deadline = performance.now() + waitMs;
  const ticket = randomUUID();
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    started: processStart(process.pid) ?? null,
    ticket,
  };
  await withDiskErrors(path, 0, () => mkdir(dirname(path), { recursive: true }));
  for (;;) {
    held.add(ticket);
    if (await withDiskErrors(path, 200, () => tryCreate(path, owner))) break;
    held.delete(ticket);
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      if (systemErrorCode(error) === "ENOENT") return undefined;
      throw error;
    });
    if (text === undefined) continue;
    const other = parseOwner(text);
    if (other === undefined || !isAlive(other)) {
      await removeStale(path, text);
      continue;
    }
    if (performance.now() >= deadline) {
      throw new FirnError("STORE_LOCKED", {
        expected: `to be the only process working on ${what}`,
        got: `process ${other.pid} on ${other.host} at it`,
        where: path,
        next: "Wait until it is done, or stop it. Remove the lock file only if that process runs on another machine and is dead.",
      });
    }
    await sleep(20);
  }
  return {
    async release() {
      held.delete(ticket);
      await rm(path, { force: true });
    },
  };
}
