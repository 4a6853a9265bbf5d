/** @file Every parser, a few hostile inputs each; `parsers.slow.test.ts` feeds many. */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stopServers } from "../serve/parsers.ts";
import { feed } from "./parser.ts";
import { PARSERS } from "./parsers.ts";

const RUNS = 5;
const ROOT = new URL("../../", import.meta.url);

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-hostile-"));
});
afterAll(async () => {
  await stopServers();
  await rm(dir, { recursive: true });
});

describe("hostile input ends in a value that keeps its promise or in an error with a code", () => {
  it.each(PARSERS.map((parser) => [parser.name, parser] as const))("%s", async (name, parser) => {
    const folder = await mkdtemp(join(dir, `${name.replace(/\W+/g, "-").slice(0, 40)}-`));
    await feed(parser, folder, RUNS, 1);
  });
});

describe("the list of parsers", () => {
  it("names files that are there, and no two alike", () => {
    expect(PARSERS.filter(({ file }) => !existsSync(new URL(file, ROOT))).map(({ file }) => file)).toEqual(
      [],
    );
    expect(new Set(PARSERS.map(({ name }) => name)).size).toBe(PARSERS.length);
  });

  it("is the one that CONTRIBUTING.md prints", () => {
    const page = readFileSync(new URL("CONTRIBUTING.md", ROOT), "utf8");
    const byRoom = new Map<string, string[]>();
    for (const { file, name } of PARSERS) {
      const room = file.split("/")[1]!;
      byRoom.set(room, [...(byRoom.get(room) ?? []), name]);
    }
    const rows = [...byRoom].map(([room, names]) => `| \`${room}\` | ${names.join("; ")} |`);
    expect(page).toContain(["| room | reads |", "|---|---|", ...rows].join("\n"));
  });
});
