/**
 * @file One process at a time. A lock is a file that names its owner; when the owner is dead (after `kill -9` or a power
 * cut) the next process takes the lock over, so that nobody has to remove lock files by hand.
 */
import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FirnError, systemErrorCode } from "../core/index.ts";
import { withDiskErrors } from "./atomic.ts";

export interface Lock {
  /** Lets go. Call it once. */
  release(): void;
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

function tryCreate(path: string, owner: Owner): boolean {
  // Written under another name and linked, so that the lock never exists without its owner's name in it.
  const draft = `${path}.${owner.ticket}`;
  try {
    writeFileSync(draft, JSON.stringify(owner), { flag: "wx" });
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Moves a dead owner's lock away; puts it back if a living process renewed it in the meantime. */
function removeStale(path: string, stale: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return;
    throw error;
  }
  try {
    if (readFileSync(aside, "utf8") !== stale) linkSync(aside, path);
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** One try: the lock, or the living process that holds it. */
function tryLock(path: string): Lock | Owner {
  const ticket = randomUUID();
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    started: processStart(process.pid) ?? null,
    ticket,
  };
  for (;;) {
    held.add(ticket);
    if (tryCreate(path, owner)) break;
    held.delete(ticket);
    const text = readIfThere(path);
    if (text === undefined) continue;
    const other = parseOwner(text);
    if (other !== undefined && isAlive(other)) return other;
    removeStale(path, text);
  }
  return {
    release() {
      held.delete(ticket);
      rmSync(path, { force: true });
    },
  };
}

function lockedError(path: string, what: string, other: Owner): FirnError {
  return new FirnError("STORE_LOCKED", {
    expected: `to be the only process working on ${what}`,
    got: `process ${other.pid} on ${other.host} at it`,
    where: path,
    next: "Wait until it is done, or stop it. Remove the lock file only if that process runs on another machine and is dead.",
  });
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
  return withDiskErrors(path, 0, async () => {
    mkdirSync(dirname(path), { recursive: true });
    for (;;) {
      const got = tryLock(path);
      if ("release" in got) return got;
      if (performance.now() >= deadline) throw lockedError(path, what, got);
      await sleep(20);
    }
  });
}

/** Runs `work` under the lock at `path` without giving up the thread, waiting up to 10 s; for writes of a few bytes. */
export function withLockSync<T>(path: string, what: string, work: () => T): T {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const got = tryLock(path);
    if ("release" in got) {
      try {
        return work();
      } finally {
        got.release();
      }
    }
    if (performance.now() >= deadline) throw lockedError(path, what, got);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
}
