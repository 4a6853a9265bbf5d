/**
 * @file Every parser, many hostile inputs each, and long runs of one piece in every place. `FIRN_HOSTILE_RUNS` says how many
 * inputs, `FIRN_HOSTILE_SEED` which.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { stopServers } from "../serve/parsers.ts";
import { feed, feedLongRuns } from "./parser.ts";
import { PARSERS } from "./parsers.ts";

const RUNS = Number(process.env["FIRN_HOSTILE_RUNS"] ?? 5000);
const SEED = Number(process.env["FIRN_HOSTILE_SEED"] ?? 1);
/** In linear time this takes seconds, in quadratic time longer than any patience. */
const LONG_RUN_BYTES = 300_000;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-hostile-"));
});
afterAll(async () => {
  await stopServers();
  await rm(dir, { recursive: true });
});

describe("many hostile inputs", () => {
  it.each(PARSERS.map((parser) => [parser.name, parser] as const))("%s", async (_name, parser) => {
    await feed(parser, await mkdtemp(join(dir, "p-")), RUNS, SEED);
  });
});

describe("long runs of one piece take linear time", () => {
  const ofText = PARSERS.filter(({ around }) => around !== undefined);
  it.each(ofText.map((parser) => [parser.name, parser] as const))(
    "%s",
    async (_name, parser) => {
      await feedLongRuns(parser, await mkdtemp(join(dir, "p-")), LONG_RUN_BYTES);
    },
    300_000,
  );
});
