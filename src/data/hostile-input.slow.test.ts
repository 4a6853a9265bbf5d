/** @file A line of a gigabyte: too long to be read in every run of the tests. */
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { jsonlReader } from "./readers/jsonl.ts";

it("a line of a gigabyte is passed over without being held", async () => {
  const dir = await mkdtemp(join(tmpdir(), "firn-gigabyte-"));
  try {
    const path = join(dir, "long.jsonl");
    const file = await open(path, "w");
    await file.write('{"text":"before"}\n');
    // A hole: a gigabyte of NULs that takes no room on the disk.
    await file.truncate(1 << 30);
    await file.write('\n{"text":"after"}\n', 1 << 30);
    await file.close();
    const before = process.memoryUsage().arrayBuffers;
    const pieces: unknown[] = [];
    const read = jsonlReader({ text: "text" });
    for await (const batch of read({ name: "long.jsonl", path, bytes: 1 << 30, sha256: "" })) {
      pieces.push(...batch.map((piece) => ("reason" in piece ? piece.reason : piece.text)));
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20);
    }
    expect(pieces).toEqual(["before", "line-too-long", "after"]);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}, 120_000);
