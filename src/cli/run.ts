/**
 * @file One call of the command line, from words to exit code. Commander parses; everything it knows comes from
 * the command table, and every mistake it finds becomes one of our errors with the nearest name.
 */
import { Command as Program, CommanderError } from "commander";
import { diskError } from "../artifacts/index.ts";
import { FirnError, type Json, nearestName, silentReporter } from "../core/index.ts";
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { errorBlock, errorJson } from "./print-error.ts";
import { createReporter } from "./reporter.ts";
import type { Terminal } from "./terminal.ts";
import { packageVersion } from "./version.ts";

/** Exit code of a command that was stopped by Ctrl-C, as shells expect it. */
const EXIT_INTERRUPTED = 130;

/** Why the work stopped: the caller wanted it to. Not an error. */
export class Interrupted extends Error {
  constructor() {
    super("stopped by Ctrl-C");
    this.name = "Interrupted";
  }
}

interface Choice {
  readonly command: Command;
  readonly arguments: readonly (string | undefined)[];
  readonly options: Readonly<Record<string, unknown>>;
}

const JSON_OPTION = ["--json", "print one JSON value for machines instead of text"] as const;

/** Builds commander's program from the table; the chosen command is handed to `choose`. */
export function buildProgram(terminal: Terminal, choose: (choice: Choice) => void): Program {
  const program = new Program("firn")
    .description("From open text to an open language model, with its paper trail.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .usage("<command> [options]")
    .addHelpText(
      "after",
      "\nStart here:\n  $ npx firn build nano\n  $ npx firn serve\n\n`firn help <command>` explains a command, with examples.",
    );
  const printed = (text: string): void => {
    if (text.trim() !== "") terminal.print(text.replace(/\n$/, ""));
  };
  const configure = (target: Program): void => {
    target
      .exitOverride()
      .showSuggestionAfterError(false)
      .configureHelp({ subcommandTerm: (sub) => sub.name() })
      .configureOutput({
        writeOut: printed,
        writeErr: () => undefined,
        getOutHelpWidth: () => Math.min(terminal.columns(), 110),
      });
  };
  configure(program);
  for (const command of COMMANDS) {
    const sub = program.command(command.name).summary(command.summary).description(command.description);
    configure(sub);
    sub.helpOption("-h, --help", "print help");
    for (const { name, description, required, variadic } of command.arguments) {
      const word = variadic === true ? `${name}...` : name;
      sub.argument(required ? `<${word}>` : `[${word}]`, description);
    }
    for (const option of command.options) {
      const text =
        option.default === undefined
          ? option.description
          : `${option.description} (default: ${option.default})`;
      sub.option(option.flags, text);
    }
    sub.option(...JSON_OPTION);
    const title = command.examples.length === 1 ? "Example" : "Examples";
    sub.addHelpText("after", `\n${title}:\n${command.examples.map((line) => `  $ ${line}`).join("\n")}`);
    sub.action((...received: unknown[]) => {
      const words = command.arguments.flatMap((_, index) => received[index] as string | string[] | undefined);
      choose({ command, arguments: words, options: sub.opts() });
    });
  }
  return program;
}

/** Commander's complaint as one of our errors. */
function explainMistake(error: CommanderError, argv: readonly string[]): FirnError {
  const quoted = /'([^']+)'/.exec(error.message)?.[1] ?? "";
  const command = COMMANDS.find(({ name }) => name === argv[0]);
  const help = command === undefined ? "`firn --help`" : `\`firn ${command.name} --help\``;
  if (error.code === "commander.unknownCommand") {
    const near = nearestName(
      quoted,
      COMMANDS.map(({ name }) => name),
    );
    return new FirnError("CLI_UNKNOWN_COMMAND", {
      expected: `one of the commands ${COMMANDS.map(({ name }) => name).join(", ")}`,
      got: quoted,
      next: near === undefined ? "Run `firn --help` to see them." : `Did you mean \`firn ${near}\`?`,
    });
  }
  if (error.code === "commander.unknownOption") {
    const known = [
      ...(command?.options.map(({ flags }) => flags.split(/[ ,=]/)[0]!) ?? []),
      "--json",
      "--help",
    ];
    const near = nearestName(quoted, known);
    return new FirnError("CLI_UNKNOWN_OPTION", {
      expected: command === undefined ? "a command before options" : `an option of \`firn ${command.name}\``,
      got: quoted,
      next: near === undefined ? `Run ${help} to see them.` : `Did you mean ${near}?`,
    });
  }
  return new FirnError("CLI_USAGE", {
    expected: command === undefined ? "a command" : `firn ${command.name} as its help describes it`,
    got: error.message.replace(/^error: /, ""),
    next: `Run ${help} to see how it is called.`,
  });
}

/** The file that a system error is about. */
function pathOf(error: unknown): string {
  return error instanceof Error && "path" in error && typeof error.path === "string"
    ? error.path
    : process.cwd();
}

/** Parses `argv`; undefined when commander has already answered (help, version). */
async function parse(argv: readonly string[], terminal: Terminal): Promise<Choice | undefined> {
  let choice: Choice | undefined;
  const program = buildProgram(terminal, (chosen) => {
    choice = chosen;
  });
  if (argv.length === 0) {
    program.outputHelp();
    return undefined;
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw explainMistake(error, argv);
  }
  return choice;
}

/**
 * Runs the command that `argv` names and returns the exit code: 0 only on success, 1 on a fault, 130 when
 * `signal` stopped it.
 */
export async function runCommandLine(
  argv: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const json = argv.includes("--json");
  const reporter = createReporter(terminal);
  const printJson = (value: Json): void => terminal.print(JSON.stringify(value, null, 2));
  try {
    const choice = await parse(argv, terminal);
    if (choice === undefined) return 0;
    const commandModule = await choice.command.load();
    await commandModule.run({
      arguments: choice.arguments,
      options: choice.options,
      json,
      terminal,
      report: json ? silentReporter : reporter,
      signal,
      printJson,
    });
    reporter.close();
    return 0;
  } catch (thrown) {
    reporter.close();
    if (signal.aborted && (thrown === signal.reason || thrown instanceof Interrupted)) {
      terminal.writeStatus("Stopped. Run the same command again to go on from here.\n");
      return EXIT_INTERRUPTED;
    }
    const error = diskError(thrown, pathOf(thrown), 0);
    if (json) printJson(errorJson(error));
    else terminal.writeStatus(`${errorBlock(error, terminal)}\n`);
    return 1;
  }
}
