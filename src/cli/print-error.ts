/** @file How a failure looks: a block for people, one JSON value for machines. */
import { BugError, describeError, FirnError, type Json, systemErrorCode } from "../core/index.ts";
import type { Terminal } from "./terminal.ts";

/** Turns faults of the machine that any write can meet into errors that say what to do. */
export function explainSystemError(error: unknown): unknown {
  if (error instanceof FirnError) return error;
  const code = systemErrorCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new FirnError("CLI_DISK_FULL", {
      expected: "room on the disk for the files being written",
      got: describeError(error),
      next: "Free some space and run the same command again: finished work is kept, and half-written files are never taken for whole ones.",
      cause: error,
    });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new FirnError("CLI_NOT_ALLOWED", {
      expected: "permission to read or write a file",
      got: describeError(error),
      next: "Check the folder's owner and permissions, or choose another place with --store.",
      cause: error,
    });
  }
  return error;
}

/** The block that ends a failed command. */
export function errorBlock(error: unknown, terminal: Pick<Terminal, "style">): string {
  const label = (text: string): string => terminal.style("dim", text.padEnd(9));
  if (error instanceof FirnError) {
    const { expected, got, where, next } = error.parts;
    return [
      terminal.style(["red", "bold"], error.code),
      `  ${label("expected")} ${expected}`,
      `  ${label("got")} ${got}`,
      ...(where === undefined ? [] : [`  ${label("where")} ${where}`]),
      `  ${label("next")} ${next}`,
    ].join("\n");
  }
  if (error instanceof BugError)
    return `${terminal.style(["red", "bold"], error.message)}\n${error.stack ?? ""}`;
  const stack = error instanceof Error && error.stack !== undefined ? error.stack : describeError(error);
  return [
    terminal.style(["red", "bold"], "Something failed that Firn has no explanation for."),
    stack,
    "Please report this text with the command you ran.",
  ].join("\n");
}

/** The same for `--json`. */
export function errorJson(error: unknown): Json {
  if (error instanceof FirnError) {
    const { expected, got, where, next } = error.parts;
    return { error: { code: error.code, expected, got, ...(where === undefined ? {} : { where }), next } };
  }
  return { error: { code: error instanceof BugError ? "BUG" : "UNEXPLAINED", got: describeError(error) } };
}
