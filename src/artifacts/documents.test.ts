import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  countCharacters,
  type DocumentRecord,
  DocumentsWriter,
  documentShards,
  makeDocument,
  readDocumentFacts,
  readDocuments,
  readRejects,
  withText,
} from "./documents.ts";
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
