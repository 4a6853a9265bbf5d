import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UNFINISHED_SUFFIX } from "./atomic.ts";
import {
  type ParquetColumn,
  type ParquetRow,
  ParquetRowsWriter,
  readParquetInfo,
  readParquetRows,
} from "./parquet.ts";

const columns: readonly ParquetColumn[] = [
  { name: "id", type: "STRING" },
  { name: "text", type: "STRING", nullable: true },
  { name: "step", type: "INT32" },
  { name: "start", type: "INT64" },
  { name: "score", type: "DOUBLE" },
  { name: "kept", type: "BOOLEAN" },
];

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-parquet-"));
});
afterAll(() => rm(dir, { recursive: true }));

async function readAll(path: string, names?: readonly string[]): Promise<ParquetRow[]> {
  const rows: ParquetRow[] = [];
  for await (const group of readParquetRows(path, names === undefined ? {} : { columns: names })) {
    rows.push(...group);
  }
  return rows;
}

const rowOf = (i: number) => ({
  id: `doc-${i}`,
  text: i % 5 === 0 ? null : `Grüezi ${i} 你好 🏔`.repeat(i % 7),
  step: i - 50,
  start: i * 3_000_000_000,
  score: i / 7,
  kept: i % 3 === 0,
});
const table = Array.from({ length: 100 }, (_, i) => rowOf(i));

async function writeTable(name: string, batch: number, codec: "zstd" | "snappy" = "zstd"): Promise<string> {
  const path = join(dir, name);
  const writer = await ParquetRowsWriter.create(path, { columns, rowGroupRows: 30, codec });
  for (let i = 0; i < table.length; i += batch) await writer.write(table.slice(i, i + batch));
  expect(await writer.close()).toEqual({ rows: 100, bytes: (await readFile(path)).length });
  return path;
}

describe("a Parquet table", () => {
  test.each(["zstd", "snappy"] as const)("comes back as it was written with %s", async (codec) => {
    const path = await writeTable(`whole-${codec}.parquet`, 100, codec);
    expect(await readAll(path)).toEqual(table);
    expect(await readParquetInfo(path)).toEqual({
      rows: 100,
      columns: columns.map(({ name }) => name),
      rowGroups: [30, 30, 30, 10],
    });
  });

  test("has the same bytes however its rows were handed over", async () => {
    const whole = await readFile(await writeTable("a.parquet", 100));
    expect((await readFile(await writeTable("b.parquet", 1))).equals(whole)).toBe(true);
    expect((await readFile(await writeTable("c.parquet", 37))).equals(whole)).toBe(true);
  });

  test("gives only the columns that were asked for, from any row group on", async () => {
    const path = await writeTable("columns.parquet", 100);
    expect((await readAll(path, ["step"]))[7]).toEqual({ step: -43 });
    const late: ParquetRow[] = [];
    for await (const rows of readParquetRows(path, { columns: ["id"], fromRowGroup: 3 })) late.push(...rows);
    expect(late.map((row) => row["id"])).toEqual(table.slice(90).map(({ id }) => id));
  });

  test("keeps any Unicode text and any 64-bit integer", async () => {
    const path = join(dir, "any.parquet");
    const row = fc.record({
      id: fc.string({ unit: "binary" }),
      start: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 20 }), async (rows) => {
        const writer = await ParquetRowsWriter.create(path, {
          columns: [
            { name: "id", type: "STRING" },
            { name: "start", type: "INT64" },
          ],
          rowGroupCharacters: 12,
        });
        await writer.write(rows);
        await writer.close();
        const back = await readAll(path);
        expect(back.map(({ id, start }) => ({ id, start: BigInt(start as number) }))).toEqual(rows);
      }),
      { numRuns: 50 },
    );
  });

  test("can be empty", async () => {
    const path = join(dir, "empty.parquet");
    await (await ParquetRowsWriter.create(path, { columns })).close();
    expect(await readAll(path)).toEqual([]);
  });

  test("does not exist under its name before it is closed, and not at all when abandoned", async () => {
    const path = join(dir, "early.parquet");
    const writer = await ParquetRowsWriter.create(path, { columns, rowGroupRows: 2 });
    await writer.write(table);
    expect(existsSync(path)).toBe(false);
    await writer.abandon();
    expect(existsSync(path)).toBe(false);
    expect(existsSync(path + UNFINISHED_SUFFIX)).toBe(false);
  });

  test("refuses a value that its column cannot hold as a fault of the program", async () => {
    const writer = await ParquetRowsWriter.create(join(dir, "bug.parquet"), { columns });
    await expect(writer.write([{ ...rowOf(1), step: 1.5 }])).rejects.toThrow("BUG: column step (INT32)");
    await expect(writer.write([{ ...rowOf(1), text: "\ud800" }])).rejects.toThrow("not valid Unicode");
    await writer.abandon();
  });
});

describe("a bad Parquet file", () => {
  test("that was cut off names the file and the footer", async () => {
    const path = await writeTable("cut.parquet", 100);
    await truncate(path, 1000);
    await expect(readAll(path)).rejects.toThrow(/DATA_PARQUET_BROKEN: .*cut\.parquet, footer/);
    await truncate(path, 0);
    await expect(readAll(path)).rejects.toThrow("DATA_PARQUET_BROKEN");
  });

  test("with damaged pages names the row group and still gives the groups before it", async () => {
    const path = await writeTable("damaged.parquet", 100);
    const bytes = await readFile(path);
    const half = Math.floor(bytes.length / 2);
    await writeFile(path, bytes.fill(0xee, half, half + 400));
    const read: ParquetRow[] = [];
    const reading = (async () => {
      for await (const rows of readParquetRows(path)) read.push(...rows);
    })();
    await expect(reading).rejects.toThrow(/DATA_PARQUET_BROKEN: .*damaged\.parquet, row group [12] of 4/);
    expect(read.length).toBeGreaterThan(0);
    expect(read).toEqual(table.slice(0, read.length));
  });

  test("with any bytes changed gives rows or an error, and neither hangs nor crashes", async () => {
    const path = join(dir, "noise.parquet");
    const good = await readFile(await writeTable("good.parquet", 100));
    const flips = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(flips, async (changes) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        await writeFile(path, bytes);
        try {
          await readAll(path);
        } catch (error) {
          expect(error).toMatchObject({ code: "DATA_PARQUET_BROKEN" });
        }
      }),
      { numRuns: 150 },
    );
  });

  test("that claims absurd sizes is refused before anything is unpacked", async () => {
    const path = await writeTable("absurd.parquet", 100, "snappy");
    const good = await readFile(path);
    const start = performance.now();
    // As a run-length header or a size these bytes say some 2^27; they go over every kind of field in turn.
    for (let at = 4; at < Math.min(good.length - 4, 3000); at += 13) {
      const bytes = Buffer.from(good);
      bytes.set([0xfe, 0xff, 0xff, 0x7f], at);
      await writeFile(path, bytes);
      await readAll(path).catch((error: unknown) =>
        expect(error).toMatchObject({ code: "DATA_PARQUET_BROKEN" }),
      );
    }
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  test("that is missing, or lacks a column, says so with the nearest name", async () => {
    await expect(readAll(join(dir, "absent.parquet"))).rejects.toThrow("DATA_FILE_UNREADABLE");
    const path = await writeTable("near.parquet", 100);
    await expect(readAll(path, ["txt"])).rejects.toThrow('Did you mean "text"?');
  });
});

test.runIf(existsSync("/dev/full"))(
  "a full disk ends the table with DISK_FULL and leaves no file",
  async () => {
    const path = join(dir, "full.parquet");
    await symlink("/dev/full", path + UNFINISHED_SUFFIX);
    const writer = await ParquetRowsWriter.create(path, { columns, rowGroupRows: 10 });
    await expect(writer.write(table)).rejects.toMatchObject({ code: "DISK_FULL" });
    await writer.abandon();
    expect(existsSync(path)).toBe(false);
  },
);
