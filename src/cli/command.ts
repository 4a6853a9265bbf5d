/** @file What a command is: a row of the table in `commands.ts` and a module that is loaded when it is called. */
import type { Json, Reporter } from "../core/index.ts";
import type { Terminal } from "./terminal.ts";

export interface CommandArgument {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  /** Takes all remaining words; only for the last argument. */
  readonly variadic?: boolean;
}

export interface CommandOption {
  /** Commander's notation: `--store <dir>`, `--no-open`. */
  readonly flags: string;
  readonly description: string;
  /** Shown in help; the command's own schema fills it in. */
  readonly default?: string;
}

/** One row of the command table: everything that help and `docs/reference/cli.md` say. */
export interface Command {
  readonly name: string;
  /** One line, present tense. */
  readonly summary: string;
  /** A paragraph for `--help`. */
  readonly description: string;
  readonly arguments: readonly CommandArgument[];
  readonly options: readonly CommandOption[];
  /** Complete command lines that work after `npm ci`. */
  readonly examples: readonly string[];
  /** Loads the command's code: `firn --help` stays quick. */
  load(): Promise<CommandModule>;
}

export interface CommandModule {
  run(call: CommandCall): Promise<void>;
}

/** One call of a command, parsed but not yet validated: each command checks its options with zod. */
export interface CommandCall {
  readonly arguments: readonly (string | undefined)[];
  readonly options: Readonly<Record<string, unknown>>;
  /** True with `--json`: the command prints one JSON value through `printJson` and nothing else. */
  readonly json: boolean;
  readonly terminal: Terminal;
  /** Silent with `--json`. */
  readonly report: Reporter;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  printJson(value: Json): void;
}
