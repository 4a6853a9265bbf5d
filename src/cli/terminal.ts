/** @file Where the command line writes: standard output for results, standard error for everything else. */
import { styleText } from "node:util";

export type Style = Parameters<typeof styleText>[0];

export interface Terminal {
  /** Results: what a pipe or a script reads. A line feed is added. */
  print(text: string): void;
  /** Progress, notices and errors; raw, without a line feed. */
  writeStatus(text: string): void;
  /** True if a person watches the status stream, so that lines may be redrawn. */
  readonly live: boolean;
  /** True if a person types on standard input. */
  readonly interactive: boolean;
  /** Width of the status stream in cells. */
  columns(): number;
  /** Colours `text` where colours are wanted. */
  style(format: Style, text: string): string;
}

/** The terminal of this process. Colours follow `NO_COLOR` and `FORCE_COLOR`. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  const coloured =
    env["FORCE_COLOR"] !== undefined
      ? env["FORCE_COLOR"] !== "0"
      : stderr.isTTY && env["NO_COLOR"] === undefined;
  return {
    print: (text) => void stdout.write(`${text}\n`),
    writeStatus: (text) => void stderr.write(text),
    live: stderr.isTTY && env["TERM"] !== "dumb" && env["CI"] === undefined,
    interactive: stdin.isTTY,
    columns: () => stderr.columns ?? 100,
    style: (format, text) => (coloured ? styleText(format, text) : text),
  };
}

/**
 * A reader that goes away (`firn show … | head`) is no fault: end quietly instead of throwing `EPIPE`.
 */
export function surviveClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      throw error;
    });
  }
}
