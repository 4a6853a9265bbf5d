import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  emptyFilter,
  filterEntry,
  readOutputFilter,
  withEntries,
  writeOutputFilter,
} from "./output-filter.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const SECRET = "one two three four five six seven eight nine ten eleven twelve thirteen";

describe("an output filter", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "firn-filter-"));
  });
  afterAll(() => rm(dir, { recursive: true }));

  it("is written and read again, and names no word of what it filters", async () => {
    const file = path.join(dir, "filter.json");
    const empty = emptyFilter(NOW);
    const filter = withEntries(empty, "r1", filterEntry(empty, "r1", [SECRET, "Jane Doe"], NOW), NOW);
    await writeOutputFilter(file, filter);
    expect(await readOutputFilter(file)).toEqual(filter);
    expect(filter.entries.map(({ units, hashes }) => [units, hashes.length])).toEqual([
      [2, 1],
      [12, 2],
    ]);
    const written = await readFile(file, "utf8");
    for (const word of [...SECRET.split(" ").filter((w) => w.length > 4), "Jane"])
      expect(written).not.toContain(word);
  });

  it("hashes the same passage differently under another key", () => {
    const hashes = [emptyFilter(NOW), emptyFilter(NOW)].map(
      (filter) => filterEntry(filter, "r", ["Jane Doe"], NOW)[0]!.hashes[0],
    );
    expect(hashes[0]).not.toBe(hashes[1]);
  });

  it("replaces what a request had in it, and raises the version", () => {
    const empty = emptyFilter(NOW);
    const once = withEntries(empty, "r1", filterEntry(empty, "r1", ["Jane Doe"], NOW), NOW);
    const other = withEntries(once, "r2", filterEntry(once, "r2", ["John Roe"], NOW), NOW);
    const without = withEntries(other, "r1", [], NOW);
    expect(without.entries.map(({ request }) => request)).toEqual(["r2"]);
    expect(without.version).toBe(3);
  });

  it("refuses files that are not one, and says what is wrong", async () => {
    const file = path.join(dir, "broken.json");
    await expect(readOutputFilter(path.join(dir, "none.json"))).rejects.toMatchObject({
      code: "ARTIFACT_FILTER",
    });
    for (const text of [
      "",
      "[]",
      "{",
      JSON.stringify({ ...emptyFilter(NOW), key: "00" }),
      JSON.stringify({ ...emptyFilter(NOW), format: "other" }),
      JSON.stringify({
        ...emptyFilter(NOW),
        entries: [{ request: "r", added: "2026-01-02", units: 1e9, hashes: ["x"] }],
      }),
    ]) {
      await writeFile(file, text);
      await expect(readOutputFilter(file), text).rejects.toMatchObject({ code: "ARTIFACT_FILTER" });
    }
  });
});
