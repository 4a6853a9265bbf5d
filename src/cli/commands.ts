/**
 * @file The command table. Help, `docs/reference/cli.md` and the tests of both are made from it; a command that is
 * not here does not exist, and one that is here works.
 */
import type { Command, CommandOption } from "./command.ts";
import { DEFAULT_STORE } from "./options.ts";

const STORE: CommandOption = {
  flags: "--store <dir>",
  description: "folder that holds the artifacts and the ledger",
  default: DEFAULT_STORE,
};

export const COMMANDS: readonly Command[] = [
  {
    name: "doctor",
    summary: "look at this machine: what works, what is missing, what to do",
    description:
      "Checks the Node.js version, processor, memory and disk, which providers the installed ONNX Runtime has, " +
      "whether llama.cpp loads, and whether there is a browser for the tests of the web page.",
    arguments: [],
    options: [STORE],
    examples: ["npx firn doctor"],
    load: () => import("./commands/doctor.ts"),
  },
];
