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

const RELEASE = {
  name: "release",
  description: "folder of a release, or a .gguf file beside a tokenizer.json",
  required: false,
} as const;

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
    name: "show",
    summary: "what the store holds, or what is inside one artifact",
    description:
      "Without a name lists every artifact. With a kind (documents, weights, …), a stage, a folder or the first digits " +
      "of a fingerprint shows what it was made from, its settings, files and first contents, after checking the files " +
      "against their checksums. `firn show ledger` checks the chain of facts.",
    arguments: [
      {
        name: "artifact",
        description: "kind, stage, folder, path, fingerprint, or `ledger`",
        required: false,
      },
    ],
    options: [STORE, { flags: "--limit <n>", description: "how many things inside to show", default: "3" }],
    examples: ["npx firn show", "npx firn show documents", "npx firn show ledger"],
    load: () => import("./commands/show.ts"),
  },
  {
    name: "trace",
    summary: "follow the chain: which documents a training step saw, which steps saw a document",
    description:
      "`step N` lists the documents in training step N; `document ID` says which steps saw a document, or which step " +
      'of the data pipeline dropped it and why; `text "…"` finds the documents that hold a text; `domain NAME` says ' +
      "what was used of a web site. Answers come from the tables of the newest pretraining run in the store, offline.",
    arguments: [
      { name: "subject", description: "step, document, text or domain", required: true },
      {
        name: "value",
        description: "the step's number, the document's id, the text, the domain",
        required: true,
        variadic: true,
      },
    ],
    options: [
      STORE,
      { flags: "--weights <artifact>", description: "another pretraining run", default: "the newest" },
    ],
    examples: ["npx firn trace step 1", 'npx firn trace text "born free and equal"'],
    load: () => import("./commands/trace.ts"),
  },
  {
    name: "serve",
    summary: "OpenAI-compatible API and web page on a release",
    description:
      "Opens the newest release of the store, or the folder or GGUF file named, in llama.cpp and serves it: the page " +
      "with chat and next-token distributions at /, the API at /v1. Only this machine can reach it unless --host says " +
      "otherwise.",
    arguments: [RELEASE],
    options: [
      STORE,
      { flags: "--host <address>", description: "address to listen on", default: "127.0.0.1" },
      { flags: "--port <n>", description: "port to listen on; 0 takes any free one", default: "8080" },
      { flags: "--allow-host <name>", description: "another host name under which clients may reach it" },
      { flags: "--parallel <n>", description: "requests computed at the same time", default: "1" },
      { flags: "--threads <n>", description: "threads of numerical work", default: "all cores" },
    ],
    examples: ["npx firn serve", "npx firn serve store/release/release-0123456789ab --port 9000"],
    load: () => import("./commands/serve.ts"),
  },
  {
    name: "chat",
    summary: "talk to a release in the terminal",
    description:
      "A conversation with the newest release of the store, or the one named. With piped input every line is a message, " +
      "answered before the next is read.",
    arguments: [RELEASE],
    options: [
      STORE,
      { flags: "--system <text>", description: "system message", default: "the tokenizer's own" },
      { flags: "--temperature <t>", description: "0 takes the likeliest token", default: "0.8" },
      {
        flags: "--top-p <p>",
        description: "keep the likeliest tokens with this much probability",
        default: "0.9",
      },
      { flags: "--max-tokens <n>", description: "longest answer", default: "256" },
      { flags: "--seed <n>", description: "same seed, same words, same answer", default: "0" },
      { flags: "--threads <n>", description: "threads of numerical work", default: "all cores" },
    ],
    examples: ["npx firn chat", 'echo "Guten Tag" | npx firn chat --temperature 0'],
    load: () => import("./commands/chat.ts"),
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
