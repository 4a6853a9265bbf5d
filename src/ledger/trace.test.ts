import { mkdir, mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ParquetColumn, ParquetRowsWriter, type ParquetValue } from "../artifacts/index.ts";
import { traceDocument, traceStep, traceText } from "./trace.ts";
import { traceDomain, traceLicence, traceUrl } from "./trace-group.ts";

let root = "";
/** A store in a folder whose name is full of characters that globs and SQL care about. */
let dir = "";
let documentsGlob = "";
let rejectsGlob = "";
let exposureParquet = "";

const documentColumns: readonly ParquetColumn[] = [
  { name: "id", type: "STRING" },
  { name: "text", type: "STRING" },
  { name: "source", type: "STRING" },
  { name: "url", type: "STRING", nullable: true },
  { name: "language", type: "STRING", nullable: true },
  { name: "script", type: "STRING", nullable: true },
  { name: "licence", type: "STRING" },
];
const doc = (id: string, text: string, url: string | null = null, language = "deu") => ({
  id,
  text,
  source: id.split("/")[0]!,
  url,
  language,
  script: "Latn",
  licence: "CC0-1.0",
});

async function table(
  path: string,
  columns: readonly ParquetColumn[],
  rows: readonly Readonly<Record<string, ParquetValue>>[],
): Promise<void> {
  const writer = await ParquetRowsWriter.create(path, { columns, rowGroupRows: 3 });
  await writer.write(rows);
  await writer.close();
}

const filler = "🏔 Lorem ipsum dolor sit amet. ".repeat(20);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "firn-trace-"));
  dir = join(root, "a store [1] it's *mine* ? 50% {x}");
  await mkdir(dir);
  documentsGlob = join(dir, "documents", "*.parquet");
  rejectsGlob = join(dir, "rejects", "*.parquet");
  exposureParquet = join(dir, "exposure.parquet");
  await table(join(dir, "documents", "train-00000.parquet"), documentColumns, [
    doc("udhr/deu#1", "Alle Menschen sind frei und gleich.", "https://www.unhchr.ch/udhr/ger.htm"),
    doc("udhr/fra#1", "Tous les êtres humains naissent libres.", "https://unhchr.ch/udhr/frn.htm", "fra"),
    doc(
      "web/a#1",
      `${filler}Die Sonne scheint hell am Himmel.${filler}`,
      "http://user@News.Example.com:8080/x?y",
    ),
    doc("web/a#2", 'It\'s a 100% "quoted" text; DROP TABLE documents; --', "https://notexample.com/", "eng"),
  ]);
  await table(join(dir, "documents", "train-00001.parquet"), documentColumns, [
    doc("web/b#1", "Grüezi mitenand"),
  ]);
  await table(join(dir, "documents", "heldout-00000.parquet"), documentColumns, [
    doc("udhr/roh#1", "Tuots umans naschan libers.", "https://www.unhchr.ch/udhr/rum.htm", "roh"),
  ]);
  await table(
    join(dir, "rejects", "rejects-00000.parquet"),
    [...documentColumns, { name: "step", type: "STRING" }, { name: "reason", type: "STRING" }],
    [
      {
        ...doc("web/c#1", "Die Sonne scheint.", "https://example.com/private"),
        step: "opt-out",
        reason: "robots",
      },
      { ...doc("web/c#2", "x", "https://example.com/short"), step: "length", reason: "too-short" },
    ],
  );
  const seen = (step: number, row: number, document: string, start: number, length: number) => ({
    step,
    row,
    document,
    start,
    length,
  });
  await table(
    exposureParquet,
    [
      { name: "step", type: "INT32" },
      { name: "row", type: "INT32" },
      { name: "document", type: "STRING" },
      { name: "start", type: "INT64" },
      { name: "length", type: "INT32" },
    ],
    [
      seen(1, 0, "udhr/deu#1", 0, 9),
      seen(1, 0, "web/a#1", 0, 55),
      seen(1, 1, "udhr/fra#1", 0, 12),
      seen(1, 1, "udhr/deu#1", 0, 9),
      seen(2, 0, "web/a#1", 55, 64),
      seen(2, 1, "web/gone#1", 0, 64),
    ],
  );
});
afterAll(() => rm(root, { recursive: true }));

describe("a training step", () => {
  test("leads to its documents, row by row, with their origin", async () => {
    const { documents } = await traceStep({ exposureParquet, documentsGlob, step: 1 });
    expect(documents.map(({ row, document, start, length }) => [row, document, start, length])).toEqual([
      [0, "udhr/deu#1", 0, 9],
      [0, "web/a#1", 0, 55],
      [1, "udhr/fra#1", 0, 12],
      [1, "udhr/deu#1", 0, 9],
    ]);
    expect(documents[2]).toMatchObject({
      source: "udhr",
      language: "fra",
      licence: "CC0-1.0",
      url: "https://unhchr.ch/udhr/frn.htm",
    });
  });

  test("still names a document that the tables do not hold", async () => {
    const { documents } = await traceStep({ exposureParquet, documentsGlob, step: 2 });
    expect(documents[1]).toMatchObject({ document: "web/gone#1", source: null, url: null });
  });

  test("that never happened is an error that says which did", async () => {
    await expect(traceStep({ exposureParquet, documentsGlob, step: 3 })).rejects.toThrow(
      /LEDGER_NO_STEP: expected a training step from 1 to 2, got 3/,
    );
  });
});

describe("a document", () => {
  test("leads to the steps that saw it", async () => {
    const trace = await traceDocument({ exposureParquet, documentsGlob, rejectsGlob, id: "udhr/deu#1" });
    expect(trace).toMatchObject({
      reject: undefined,
      document: { source: "udhr", split: "train", bytes: 35 },
    });
    expect(trace.exposures).toEqual([
      { step: 1, row: 0, start: 0, length: 9 },
      { step: 1, row: 1, start: 0, length: 9 },
    ]);
  });

  test("that was held out was seen by no step", async () => {
    const trace = await traceDocument({ exposureParquet, documentsGlob, rejectsGlob, id: "udhr/roh#1" });
    expect(trace).toMatchObject({ document: { split: "heldout" }, exposures: [] });
  });

  test("that was dropped leads to the step and the reason", async () => {
    const trace = await traceDocument({ documentsGlob, rejectsGlob, id: "web/c#1" });
    expect(trace).toMatchObject({ document: undefined, reject: { step: "opt-out", reason: "robots" } });
  });

  test("that nobody knows is an error with similar ids", async () => {
    const ask = (id: string) => traceDocument({ documentsGlob, rejectsGlob, id });
    await expect(ask("UDHR/d")).rejects.toThrow(/LEDGER_NO_DOCUMENT: .*Did you mean one of: udhr\/deu#1\?/);
    await expect(ask("' OR 1=1 --")).rejects.toThrow(/LEDGER_NO_DOCUMENT: .*firn trace text/);
  });
});

describe("a text", () => {
  const find = (text: string, limit = 20) => traceText({ documentsGlob, rejectsGlob, text, limit });

  test("leads to the documents that hold it, kept or dropped, with the words around it", async () => {
    const { documents, rejects, keptCount, rejectedCount } = await find("Die Sonne scheint");
    expect([keptCount, rejectedCount]).toEqual([1, 1]);
    expect(documents[0]!.id).toBe("web/a#1");
    expect(documents[0]!.excerpt).toContain("dolor sit amet. Die Sonne scheint hell am Himmel.");
    expect(Array.from(documents[0]!.excerpt)).toHaveLength(137);
    expect(rejects[0]).toMatchObject({ id: "web/c#1", reason: "robots", excerpt: "Die Sonne scheint." });
  });

  test("is matched exactly, whatever characters it has", async () => {
    expect((await find('It\'s a 100% "quoted" text; DROP TABLE')).documents.map(({ id }) => id)).toEqual([
      "web/a#2",
    ]);
    expect((await find("100_")).keptCount).toBe(0);
    expect((await find("die sonne")).keptCount).toBe(0);
    expect((await find("üezi")).documents[0]!.excerpt).toBe("Grüezi mitenand");
    await expect(find("")).rejects.toMatchObject({ code: "LEDGER_NO_TEXT" });
  });

  test("in many documents is counted in full and listed up to the limit", async () => {
    const { documents, keptCount } = await find("e", 2);
    expect([documents.length, keptCount]).toEqual([2, 6]);
  });
});

describe("a domain", () => {
  test("leads to what was kept, dropped and seen of it, subdomains included and lookalikes not", async () => {
    expect(await traceDomain({ documentsGlob, rejectsGlob, exposureParquet, domain: "Example.com" })).toEqual(
      {
        domain: "example.com",
        kept: [
          {
            source: "web",
            licence: "CC0-1.0",
            split: "train",
            documents: 1,
            bytes: expect.any(Number) as number,
          },
        ],
        dropped: [
          { source: "web", step: "length", reason: "too-short", documents: 1 },
          { source: "web", step: "opt-out", reason: "robots", documents: 1 },
        ],
        seen: { documents: 1, tokens: 119, steps: 2 },
      },
    );
    const { kept, seen } = await traceDomain({ documentsGlob, rejectsGlob, domain: "unhchr.ch" });
    expect(kept.map(({ split, documents }) => [split, documents])).toEqual([
      ["heldout", 1],
      ["train", 2],
    ]);
    expect(seen).toBeUndefined();
  });

  test("that never occurred gives empty lists", async () => {
    expect(
      await traceDomain({ documentsGlob, rejectsGlob, exposureParquet, domain: "nowhere.test" }),
    ).toEqual({
      domain: "nowhere.test",
      kept: [],
      dropped: [],
      seen: { documents: 0, tokens: 0, steps: 0 },
    });
  });
});

describe("an address", () => {
  test("leads to all that begins with it, and something else is refused", async () => {
    const tables = { documentsGlob, rejectsGlob, exposureParquet };
    const barred = await traceUrl({ ...tables, url: "https://example.com/private" });
    expect(barred).toMatchObject({
      kept: [],
      dropped: [{ step: "opt-out", reason: "robots", documents: 1 }],
    });
    const { kept, seen } = await traceUrl({ ...tables, url: " https://www.unhchr.ch/udhr/ " });
    expect(kept.map(({ split, documents }) => [split, documents])).toEqual([
      ["heldout", 1],
      ["train", 1],
    ]);
    expect(seen).toEqual({ documents: 1, tokens: 18, steps: 1 });
    expect(await traceUrl({ ...tables, url: "https://nowhere.test/" })).toMatchObject({
      kept: [],
      dropped: [],
    });
    await expect(traceUrl({ ...tables, url: "example.com" })).rejects.toMatchObject({
      code: "LEDGER_NO_TEXT",
    });
  });
});

describe("a licence", () => {
  test("leads to all documents under it, in any spelling of its case", async () => {
    const tables = { documentsGlob, rejectsGlob, exposureParquet };
    const found = await traceLicence({ ...tables, licence: "cc0-1.0" });
    expect(found.kept.length).toBeGreaterThan(0);
    expect(new Set(found.kept.map(({ licence }) => licence))).toEqual(new Set(["CC0-1.0"]));
    expect(found.seen!.tokens).toBeGreaterThan(0);
    expect(await traceLicence({ ...tables, licence: "WTFPL" })).toEqual({
      kept: [],
      dropped: [],
      seen: { documents: 0, tokens: 0, steps: 0 },
    });
  });
});

describe("tables", () => {
  test("that are not there are an error, except rejects, which may be none", async () => {
    const nowhere = join(root, "nowhere", "*.parquet");
    const ask = (glob: string) => traceText({ documentsGlob: glob, rejectsGlob: nowhere, text: "Grüezi" });
    await expect(ask(nowhere)).rejects.toMatchObject({ code: "LEDGER_TABLE_MISSING" });
    expect((await ask(documentsGlob)).keptCount).toBe(1);
  });

  test("that are broken are an error that names the file", async () => {
    const path = join(root, "broken-0.parquet");
    await table(path, documentColumns, [doc("x", "y")]);
    await truncate(path, 200);
    await expect(traceText({ documentsGlob: path, rejectsGlob, text: "y" })).rejects.toThrow(
      /DATA_PARQUET_BROKEN: .*broken-0\.parquet/,
    );
  });
});
