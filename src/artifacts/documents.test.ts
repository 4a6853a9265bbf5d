import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../core/index.ts";
import {
  countCharacters,
  type DocumentRecord,
  type DocumentsPoint,
  DocumentsWriter,
  documentShardPath,
  documentShards,
  makeDocument,
  readDocumentFacts,
  readDocuments,
  readRejects,
  withText,
} from "./documents.ts";
import { readJournal, writeJournal } from "./journal.ts";
import { ParquetRowsWriter } from "./parquet.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-documents-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function all<T>(batches: AsyncIterable<T[]>): Promise<T[]> {
  const items: T[] = [];
  for await (const batch of batches) items.push(...batch);
  return items;
}

const document = makeDocument({ id: "a/b#1", text: "Grüezi 👋", source: "a", licence: "CC0-1.0" });

describe("a document", () => {
  it("knows its hash, its UTF-8 bytes and its code points", () => {
    expect(document).toMatchObject({ bytes: 12, characters: 8, url: null, scrubbed: 0 });
    expect(withText(document, "x")).toMatchObject({ id: "a/b#1", bytes: 1, characters: 1 });
    expect(withText(document, "x").sha256).not.toBe(document.sha256);
    expect(countCharacters("")).toBe(0);
    expect(countCharacters("a🂡b")).toBe(3);
  });
});

describe("documents on disk", () => {
  it("come back as they were written, whatever their text", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            text: fc.string({ unit: "binary" }),
            url: fc.option(fc.webUrl()),
            parallelKey: fc.option(fc.string({ unit: "grapheme" })),
            languageScore: fc.option(fc.double({ noNaN: true })),
          }),
          { maxLength: 20 },
        ),
        async (fields) => {
          const documents = fields.map((field, i) =>
            makeDocument({ id: `s/f#${i}`, source: "s", licence: "MIT", ...field }),
          );
          const writer = new DocumentsWriter(dir, "train");
          await writer.write(documents);
          const written = await writer.close();
          expect(written.documents).toBe(documents.length);
          expect(await all(readDocuments(dir, "train"))).toEqual(documents);
          const facts = await all(readDocumentFacts(dir, "train"));
          expect(facts).toEqual(documents.map(({ text: _text, ...rest }) => rest));
        },
      ),
      { numRuns: 30 },
    );
  });

  it("give the same file however they were handed over", async () => {
    const documents: DocumentRecord[] = Array.from({ length: 50 }, (_, i) => ({
      ...document,
      id: `a/b#${i}`,
    }));
    const one = new DocumentsWriter(join(dir, "one"), "heldout");
    await one.write(documents);
    await one.close();
    const many = new DocumentsWriter(join(dir, "many"), "heldout");
    for (const each of documents) await many.write([each]);
    await many.close();
    const bytes = await Promise.all(
      ["one", "many"].map(async (name) => readFile((await documentShards(join(dir, name), "heldout"))[0]!)),
    );
    expect(bytes[0]!.equals(bytes[1]!)).toBe(true);
  });

  it("keep a reject's step, reason and detail", async () => {
    const reject = { ...document, step: "quality", reason: "too-short", detail: "12 bytes" };
    const writer = new DocumentsWriter(dir, "rejects");
    await writer.write([reject]);
    await writer.close();
    expect(await all(readRejects(dir))).toEqual([reject]);
  });

  it("say so when they are not there or not ours", async () => {
    await expect(all(readDocuments(dir, "train"))).rejects.toMatchObject({ code: "DATA_DOCUMENTS_MISSING" });
    const foreign = await ParquetRowsWriter.create(join(dir, "documents", "train-00000.parquet"), {
      columns: [{ name: "body", type: "STRING" }],
    });
    await foreign.write([{ body: "x" }]);
    await foreign.close();
    await expect(all(readDocuments(dir, "train"))).rejects.toMatchObject({ code: "DATA_PARQUET_COLUMN" });
  });
});

describe("documents that are gone on with", () => {
  const cuts = { shardTextBytes: 2000, rowGroupRows: 7 };
  const many = Array.from({ length: 80 }, (_, i) =>
    makeDocument({ id: `s/f#${i}`, source: "s", licence: "MIT", text: `${i} `.repeat(1 + (i % 40)) }),
  );

  async function bytesIn(folder: string): Promise<Record<string, string>> {
    const shards = await documentShards(folder, "train");
    const entries = shards.map(async (path) => [path.slice(folder.length), sha256(await readFile(path))]);
    return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
  }

  /** Writes `many` and keeps the journal of every place in `places`. */
  async function writeAll(folder: string, places: ReadonlySet<number>): Promise<void> {
    const writer = new DocumentsWriter(folder, "train", cuts);
    for (const [i, one] of many.entries()) {
      if (places.has(i)) await writeJournal(join(dir, `journal-${i}`), "test", await writer.point());
      await writer.write([one]);
    }
    await writer.close();
  }

  async function pointAt(i: number): Promise<DocumentsPoint> {
    const found = await readJournal(join(dir, `journal-${i}`), "test");
    return (found as { state: DocumentsPoint }).state;
  }

  it("end in the same bytes from any place, also when much was written after it", async () => {
    const places = new Set([...many.keys()].filter((i) => i % 3 !== 1));
    await writeAll(join(dir, "whole"), places);
    const whole = await bytesIn(join(dir, "whole"));
    expect(Object.keys(whole).length).toBeGreaterThan(2);
    await cp(join(dir, "whole"), join(dir, "again"), { recursive: true });
    // Backwards: what lies there is always of a later moment.
    for (const i of [...places].reverse()) {
      const writer = await DocumentsWriter.resume(join(dir, "again"), "train", await pointAt(i), cuts);
      if (i % 3 === 0) {
        // Killed again before it ends: nothing but a part of the next documents is there.
        await writer!.write(many.slice(i, i + 9));
        await writer!.suspend();
        continue;
      }
      await writer!.write(many.slice(i));
      expect(await writer!.close()).toMatchObject({ documents: many.length });
      expect(await bytesIn(join(dir, "again")), `from ${i}`).toEqual(whole);
    }
  });

  it("are not trusted when a byte of what was written is another one, or is missing", async () => {
    await writeAll(join(dir, "whole"), new Set([60]));
    const point = await pointAt(60);
    expect(point.finished.length).toBeGreaterThan(0);
    for (const [place, shard] of [...point.finished, point.open!.file].entries()) {
      const path = join(dir, "whole", documentShardPath("train", place));
      const good = await readFile(path);
      const other = Buffer.from(good);
      other[shard.bytes >> 1]! ^= 1;
      for (const bad of [other, good.subarray(0, shard.bytes - 1)]) {
        await rm(`${path}.firn-tmp`, { force: true });
        await writeFile(path, bad);
        expect(await DocumentsWriter.resume(join(dir, "whole"), "train", point, cuts)).toBeUndefined();
      }
      await rm(`${path}.firn-tmp`, { force: true });
      await writeFile(path, good);
    }
    const good = await DocumentsWriter.resume(join(dir, "whole"), "train", point, cuts);
    expect(good).toBeDefined();
    await good!.suspend();
  });
});

describe("a journal", () => {
  it("is read whole, or not at all", async () => {
    const path = join(dir, "journal");
    expect(await readJournal(path, "a")).toBeUndefined();
    const shared = { n: 1n };
    await writeJournal(path, "a", { one: shared, two: shared, list: new Uint32Array([1, 2]) });
    const found = (await readJournal(path, "a")) as { state: { one: object; two: object } };
    expect(found.state).toEqual({ one: { n: 1n }, two: { n: 1n }, list: new Uint32Array([1, 2]) });
    expect(found.state.one).toBe(found.state.two);
    expect(await readJournal(path, "b")).toHaveProperty("fault");
    const bytes = await readFile(path);
    for (let length = 0; length < bytes.length; length += 5) {
      await writeFile(path, bytes.subarray(0, length));
      expect(await readJournal(path, "a")).toHaveProperty("fault");
    }
  });
});
