/** @file How a failure looks: a block for people, one JSON value for machines. */
import { BugError, describeError, FirnError, type Json } from "../core/index.ts";
import type { Terminal } from "./terminal.ts";

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
