import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomStream, sha256, silentReporter } from "../../core/index.ts";
import { VectorEmbedding } from "./embedding.ts";
import { indexVectors, Vectors } from "./vector-index.ts";
import { writeVectorFile } from "./vectors.test-file.ts";

const work = { report: silentReporter, signal: new AbortController().signal };
const random = randomStream(9, "vectors");
const rows = Array.from({ length: 3000 }, (_, i) => ({
  sha256: sha256(`text ${i}`),
  vector: Array.from({ length: 5 }, () => Math.fround(random.normal())),
}));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-vectors-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

let files = 0;
async function indexOf(...parts: Parameters<typeof writeVectorFile>[1][]) {
  const sources = await Promise.all(
    parts.map(async (part) => {
      const name = `v${++files}.parquet`;
      const path = join(dir, name);
      await writeVectorFile(path, part);
      return { name, path, bytes: (await stat(path)).size, sha256: "" };
    }),
  );
  return indexVectors(sources, join(dir, `index-${files}`), work);
}

describe("vectors of another program", () => {
  it("are found by the hash of their text, from several files and row groups, and no others are", async () => {
    const index = await indexOf(rows.slice(0, 2900), rows.slice(2800));
    expect(index).toMatchObject({ dimensions: 5, vectors: 3000 });
    const vectors = new Vectors(index);
    for (const { sha256: key, vector } of rows) expect([...(vectors.find(key) ?? [])], key).toEqual(vector);
    for (let i = 3000; i < 3200; i++) expect(vectors.find(sha256(`text ${i}`))).toBeUndefined();
    for (const key of ["0".repeat(64), "f".repeat(64)]) expect(vectors.find(key)).toBeUndefined();
    vectors.close();
    const embedding = new VectorEmbedding(index);
    const square = embedding.embed("text 7")!.reduce((sum, value) => sum + value * value, 0);
    expect(square / 5).toBeCloseTo(1, 5);
    expect(embedding.embed("changed since", rows[7]!.sha256)).toEqual(embedding.embed("text 7"));
    embedding.close();
  });

  it("are refused by file and row when they are no numbers, of another length, without a key, or two for one text", async () => {
    const good = rows.slice(0, 3);
    const [first, , third] = good as [(typeof rows)[0], (typeof rows)[0], (typeof rows)[0]];
    const cases: [Parameters<typeof writeVectorFile>[1][number], string][] = [
      [{ ...third, vector: [1, 2, Number.NaN, 4, 5] }, "NaN at place 2"],
      [{ ...third, vector: [1, 2, null, 4, 5] }, "null at place 2"],
      [{ ...third, vector: [1, 2, 3, 4] }, "4"],
      [{ ...third, vector: [] }, "0 values"],
      [{ ...third, sha256: "text 3" }, "text 3"],
      [{ ...third, sha256: null }, "null"],
    ];
    for (const [bad, got] of cases) {
      await expect(indexOf([...good, bad]), got).rejects.toMatchObject({
        code: "DATA_VECTORS",
        parts: { got, where: expect.stringMatching(/v\d+\.parquet, row 4$/) as string },
      });
    }
    await expect(indexOf([...good, { ...first, vector: [1, 2, 3, 4, 5] }])).rejects.toMatchObject({
      code: "DATA_VECTORS",
      parts: { where: first.sha256, got: "two different ones" },
    });
    await expect(indexOf([])).rejects.toMatchObject({ code: "DATA_VECTORS", parts: { got: "none" } });
  });
});
