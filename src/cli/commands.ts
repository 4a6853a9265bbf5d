/**
 * @file The command table. Help, `docs/reference/cli.md` and the tests of both are made from it; a command that is
 * not here does not exist, and one that is here works.
 */
import type { Command, CommandOption } from "./command.ts";
import { DEVICES } from "../planning/index.ts";
import { DEFAULT_STORE } from "./options.ts";
import { TARGETS } from "./targets.ts";

const STORE: CommandOption = {
  flags: "--store <dir>",
  description: "folder that holds the artifacts and the ledger",
  default: DEFAULT_STORE,
};

const MACHINE: readonly CommandOption[] = [
  { flags: "--workers <n>", description: "worker threads for data steps", default: "all cores" },
  { flags: "--threads <n>", description: "threads of numerical work", default: "all cores" },
];

const RECIPE = {
  name: "recipe",
  description: "a shipped recipe (nano, apertus-8b, apertus-70b) or the path of a .yaml file",
  required: true,
} as const;

export const COMMANDS: readonly Command[] = [
  {
    name: "build",
    summary: "run what a recipe lacks, from sources to a release",
    description:
      "Prints the plan, runs every stage whose artifact is not in the store yet, and ends with what came of it. " +
      "A build that was stopped, or killed in any way, goes on when the same command is run again, and gives the " +
      "same bytes. Settings that changed rebuild their stage and what depends on it, nothing else.",
    arguments: [RECIPE],
    options: [
      STORE,
      { flags: "--to <noun>", description: `stop at one of: ${TARGETS.join(", ")}` },
      ...MACHINE,
    ],
    examples: ["npx firn build nano", "npx firn build ./my-recipe.yaml --to documents"],
    load: () => import("./commands/build.ts"),
  },
  {
    name: "plan",
    summary: "what a recipe would do and cost, formulas shown",
    description:
      "Prints the tree of stages (cached or to run) and the training run's parameters, operations, memory, time and " +
      "energy, each with its formula and numbers. Without --device a recipe that can be built here is planned for " +
      "this machine, on which a few training steps are timed. Runs nothing else and writes nothing.",
    arguments: [RECIPE],
    options: [
      STORE,
      { flags: "--device <name>", description: `plan for one of: ${Object.keys(DEVICES).join(", ")}` },
      { flags: "--devices <n>", description: "how many of them" },
      {
        flags: "--utilisation <share>",
        description: "share of the device's peak that training reaches, e.g. 0.35",
      },
      { flags: "--tokens <n>", description: "train on this many tokens instead" },
      ...MACHINE,
    ],
    examples: [
      "npx firn plan nano",
      "npx firn plan apertus-70b",
      "npx firn plan apertus-8b --device h100 --devices 512",
    ],
    load: () => import("./commands/plan.ts"),
  },
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
