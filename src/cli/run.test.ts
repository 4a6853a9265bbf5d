/** @file The command line as a function: help, mistakes, exit codes, JSON. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "./commands.ts";
import { commandReference } from "./reference.ts";
import { Interrupted, runCommandLine } from "./run.ts";
import type { Terminal } from "./terminal.ts";

async function firn(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const terminal: Terminal = {
    print: (text) => {
      out += `${text}\n`;
    },
    writeStatus: (text) => {
      err += text;
    },
    live: false,
    interactive: false,
    columns: () => 100,
    style: (_, text) => text,
  };
  const code = await runCommandLine(argv, terminal, new AbortController().signal);
  return { code, out, err };
}

describe("help", () => {
  it("lists every command of the table with its summary", async () => {
    const { code, out } = await firn("--help");
    expect(code).toBe(0);
    for (const { name } of COMMANDS) expect(out).toMatch(new RegExp(`^  ${name} `, "m"));
    for (const { summary } of COMMANDS) expect(out.replaceAll(/\s+/g, " ")).toContain(summary);
  });

  it("is what a call without words prints", async () => {
    expect((await firn()).out).toBe((await firn("--help")).out);
  });

  it("of every command has an example", async () => {
    for (const { name, examples } of COMMANDS) {
      const { code, out } = await firn(name, "--help");
      expect(code).toBe(0);
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) expect(out).toContain(`  $ ${example}`);
    }
  });

  it("page in docs/reference is the one the table gives", () => {
    const page = new URL("../../docs/reference/cli.md", import.meta.url);
    expect(readFileSync(page, "utf8"), "run `npm run docs`").toBe(commandReference());
  });
});

describe("mistakes", () => {
  it("in a command's name get the nearest name and exit code 1", async () => {
    expect(await firn("docter")).toEqual({
      code: 1,
      out: "",
      err: [
        "CLI_UNKNOWN_COMMAND",
        `  expected  one of the commands ${COMMANDS.map(({ name }) => name).join(", ")}`,
        "  got       docter",
        "  next      Did you mean `firn doctor`?",
        "",
      ].join("\n"),
    });
  });

  it("in an option get the nearest option", async () => {
    const { code, err } = await firn("doctor", "--stor", "x");
    expect(code).toBe(1);
    expect(err).toContain("CLI_UNKNOWN_OPTION");
    expect(err).toContain("Did you mean --store?");
  });

  it("in the number of words point to the command's help", async () => {
    const { code, err } = await firn("doctor", "nano");
    expect(code).toBe(1);
    expect(err).toContain("CLI_USAGE");
    expect(err).toContain("`firn doctor --help`");
  });

  it("are one JSON value with --json", async () => {
    const { code, out, err } = await firn("docter", "--json");
    expect(code).toBe(1);
    expect(err).toBe("");
    expect(JSON.parse(out)).toMatchObject({ error: { code: "CLI_UNKNOWN_COMMAND", got: "docter" } });
  });
});

describe("stopping", () => {
  it("by Ctrl-C exits with 130 and says that the command resumes", async () => {
    const controller = new AbortController();
    controller.abort(new Interrupted());
    let err = "";
    const terminal: Terminal = {
      print: () => controller.signal.throwIfAborted(),
      writeStatus: (text) => {
        err += text;
      },
      live: false,
      interactive: false,
      columns: () => 80,
      style: (_, text) => text,
    };
    expect(await runCommandLine(["doctor"], terminal, controller.signal)).toBe(130);
    expect(err).toBe("Stopped. Run the same command again to go on from here.\n");
  });
});
