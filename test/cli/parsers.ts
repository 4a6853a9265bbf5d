/** @file The parser of `cli`: what a person types. */
import { runCommandLine } from "../../src/cli/run.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { assert } from "../../src/core/index.ts";
import type { HostileParser } from "../hostile/parser.ts";

export const cliParsers: readonly HostileParser[] = [
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
