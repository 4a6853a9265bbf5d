/**
 * @file The one error family. An error says what was expected, what came, where, and what to do next; its
 * code is stable and listed in `docs/errors.md`, so that people and scripts can look it up.
 */

/** What an error tells its reader; `next` is the one thing to do about it. */
export interface ErrorParts {
  /** What the program needed, e.g. `a Parquet file with columns id and text`. */
  readonly expected: string;
  /** What it found instead. */
  readonly got: string;
  /** File, line, field or address, if there is one. */
  readonly where?: string;
  /** The next step for the person who reads this. */
  readonly next: string;
  readonly cause?: unknown;
}

/** Codes are `ROOM_WHAT`, upper case, and never change their meaning once released. */
export type ErrorCode = `${Uppercase<string>}_${Uppercase<string>}`;

/** An error about the world outside the program (input, disk, network, configuration). */
export class FirnError extends Error {
  readonly code: ErrorCode;
  readonly parts: ErrorParts;

  constructor(code: ErrorCode, parts: ErrorParts) {
    const where = parts.where === undefined ? "" : ` (${parts.where})`;
    super(`${code}: expected ${parts.expected}, got ${parts.got}${where}. ${parts.next}`, {
      cause: parts.cause,
    });
    this.name = "FirnError";
    this.code = code;
    this.parts = parts;
  }
}

/** A broken promise between two parts of this program: never the user's fault. */
export class BugError extends Error {
  constructor(message: string) {
    super(`BUG: ${message}. This is a fault in Firn; please report it with the command you ran.`);
    this.name = "BugError";
  }
}

/** Checks what must hold inside the program; says it as a `BugError` when it does not. */
export function assert(condition: unknown, message: string): asserts condition {
  if (condition !== true) throw new BugError(message);
}

/** The text of anything thrown, with the message of its cause, for one-line reports. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message;
}

/** The Node.js system error code (`ENOSPC`, `EADDRINUSE`, …), if `error` carries one. */
export function systemErrorCode(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return undefined;
}
