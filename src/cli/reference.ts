/** @file `docs/reference/cli.md`, written from the command table. */
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function section(command: Command): string {
  const words = command.arguments.map(({ name, required, variadic }) => {
    const word = variadic === true ? `${name}...` : name;
    return required ? `<${word}>` : `[${word}]`;
  });
  const rows = [
    ...command.arguments.map((argument, index) => [words[index]!, argument.description]),
    ...command.options.map((option) => [
      option.flags,
      option.default === undefined
        ? option.description
        : `${option.description} (default: \`${option.default}\`)`,
    ]),
    ["--json", "print one JSON value for machines instead of text"],
  ];
  return [
    `## \`firn ${[command.name, ...words].join(" ")}\``,
    "",
    command.description,
    "",
    "| | |",
    "|---|---|",
    ...rows.map(([name, text]) => `| \`${cell(name!)}\` | ${cell(text!)} |`),
    "",
    "```sh",
    ...command.examples,
    "```",
    "",
  ].join("\n");
}

/** The whole page. */
export function commandReference(): string {
  return [
    "<!-- Written by `npm run docs` from src/cli/commands.ts; edit that. -->",
    "# Commands",
    "",
    "Every command has `--help`. Results go to standard output, progress and errors to standard error. The exit code",
    "is 0 only on success, 1 on a fault, 130 after Ctrl-C; running the same command again goes on where it stopped.",
    'With `--json`, standard output carries exactly one JSON value, `{"error": …}` included.',
    "",
    ...COMMANDS.map(section),
  ].join("\n");
}
