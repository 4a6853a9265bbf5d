/** @file The parsers of `recipes` and `cli`: what a person writes. */
import { readFile } from "node:fs/promises";
import { runCommandLine } from "../../src/cli/run.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { assert } from "../../src/core/index.ts";
import { parseYaml, recipeSchema } from "../../src/recipes/index.ts";
import { expandShorthands } from "../../src/recipes/shorthand.ts";
import type { HostileParser } from "../hostile/parser.ts";

const recipe = (name: string): Promise<Buffer> =>
  readFile(new URL(`../../recipes/${name}.yaml`, import.meta.url));
const SHORT =
  "name: mine\nsources:\n  - { folder: ./my-texts, licence: CC-BY-4.0 }\n  - &a { jsonl: x.jsonl, licence: MIT }\n  - *a\n";

export const recipeParsers: readonly HostileParser[] = [
  {
    name: "recipes",
    file: "src/recipes/parse-yaml.ts",
    share: 0.3,
    samples: [await recipe("nano")],
    near: [SHORT, await recipe("web")],
    around: [
      ["", ""],
      ["a: ", ""],
      ["sources:\n", ""],
    ],
    pieces: ["- ", "a: ", "? ", "&a ", "*a ", "[a, ", "{a: ", "|\n ", "!!x ", "- - ", "\n a:"],
    read: (bytes) => {
      parseYaml(bytes.toString(), "my.yaml", recipeSchema, expandShorthands);
    },
  },
  {
    name: "command lines",
    file: "src/cli/run.ts",
    share: 0.3,
    samples: [
      "doctr\n--store\nx\n--json",
      "plan\n--help",
      "build\nno-such\n--workers\n0",
      "optout\nadd\ndomain\ncom\n--store\n/nowhere",
    ],
    read: async (bytes) => {
      let out = "";
      const terminal: Terminal = {
        print: (text) => void (out += text),
        writeStatus: (text) => void (out += text),
        live: false,
        interactive: false,
        columns: () => 80,
        style: (_, text) => text,
      };
      const words = bytes.toString().split("\n");
      // Only commands that end by themselves, and change nothing, are let through.
      if (!["plan", "optout", "build", "--help", "-V"].includes(words[0]!) && /^[a-z]+$/.test(words[0]!))
        words[0] += "x";
      if (words[0] === "build" || words[0] === "optout") words.push("--no-such-option");
      const code = await runCommandLine(words, terminal, new AbortController().signal);
      assert([0, 1].includes(code) && !out.includes("BUG:"), "an answer");
      assert(code === 0 || /[A-Z]+_[A-Z]+/.test(out), "an error with its code");
    },
  },
];
