import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { randomStream } from "../core/index.ts";
import { bytesOf, trainWhole, trainWithKills } from "./kill.test-runs.ts";

it("training killed twice with kill -9 ends with the bytes of a run that was not", async () => {
  const root = await mkdtemp(join(tmpdir(), "firn-kill-"));
  try {
    const [whole, killed] = [join(root, "whole"), join(root, "killed")];
    await trainWhole(whole, 20);
    expect(await trainWithKills(killed, 20, 2, randomStream(1, "kill"))).toBeGreaterThan(1);
    expect(await bytesOf(killed)).toEqual(await bytesOf(whole));
  } finally {
    await rm(root, { recursive: true });
  }
});
