import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DocumentsWriter, makeDocument, ParquetRowsWriter } from "../artifacts/index.ts";
import { randomStream, silentReporter } from "../core/index.ts";
import { keptGrams, passageCandidates, PassageIndexWriter, SHORTEST_INDEXED_BYTES } from "./passage-index.ts";
import type { RunTables } from "./request-effect.ts";
import { openRunTrace, type RunTrace } from "./run-trace.ts";
import { buildTraceIndex, indexBytes } from "./trace-index.ts";

const encoder = new TextEncoder();

describe("the passage index", () => {
  it("keeps a gram of every passage that is long enough, wherever it stands", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: SHORTEST_INDEXED_BYTES, maxLength: 400 }),
        fc.nat(),
        fc.nat(),
        (bytes, start, length) => {
          const from = start % (bytes.length - SHORTEST_INDEXED_BYTES + 1);
          const size = SHORTEST_INDEXED_BYTES + (length % (bytes.length - from - SHORTEST_INDEXED_BYTES + 1));
          const whole = new Set(keptGrams(bytes));
          const part = [...keptGrams(bytes.subarray(from, from + size))];
          expect(part.length).toBeGreaterThan(0);
          for (const gram of part) expect(whole).toContain(gram);
        },
      ),
    );
  });

  it("finds every document that holds a passage, among repeated and similar ones", async () => {
    const dir = await mkdtemp(join(tmpdir(), "firn-passages-"));
    const random = randomStream(7, "passages");
    const words = ["snow", "ice", "firn", "glacier", "winter", "—", "Grüße", "雪", "melt", "year"];
    const texts = Array.from({ length: 400 }, () =>
      Array.from({ length: 10 + random.integer(60) }, () => words[random.integer(words.length)]).join(" "),
    );
    const writer = await PassageIndexWriter.create(dir);
    for (const text of texts) await writer.add(encoder.encode(text));
    expect(await writer.close()).toBeGreaterThan(400);
    for (const [number, text] of texts.entries()) {
      if (encoder.encode(text).length < SHORTEST_INDEXED_BYTES + 8) continue;
      const passage = text.slice(Math.floor(text.length / 3), Math.floor(text.length / 3) + 60);
      const found = await passageCandidates(dir, encoder.encode(passage));
      if (found === undefined) continue;
      expect(found, passage).toContain(number);
    }
    expect(await passageCandidates(dir, encoder.encode("short"))).toBeUndefined();
    await rm(dir, { recursive: true });
  });
});

describe("an indexed run", () => {
  let root: string;
  let scanned: RunTrace;
  let indexed: RunTrace;
  const text = (i: number): string =>
    `Document ${i} speaks of ${(i * 7919) % 1009} things and of the ${(i * 31) % 97} ways in which people say them.`;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "firn-index-"));
    const train = new DocumentsWriter(root, "train");
    const rejects = new DocumentsWriter(root, "rejects");
    const hosts = ["example.com", "www.example.com", "example-x.com", "a.example.org", "other.example"];
    for (let i = 0; i < 300; i++) {
      const document = makeDocument({
        id: `web/part#${i}`,
        text: text(i),
        source: i % 2 === 0 ? "web" : "books",
        url: i % 5 === 4 ? null : `https://${hosts[i % hosts.length]}/p/${i}`,
        licence: i % 3 === 0 ? "CC0-1.0" : "MIT",
        language: "eng",
      });
      if (i % 10 === 3)
        await rejects.write([{ ...document, step: "opt-out", reason: "robots", detail: null }]);
      else await train.write([document]);
    }
    await train.close();
    await rejects.close();
    const exposure = await ParquetRowsWriter.create(join(root, "exposure.parquet"), {
      columns: [
        { name: "step", type: "INT32" },
        { name: "row", type: "INT32" },
        { name: "document", type: "STRING" },
        { name: "start", type: "INT64" },
        { name: "length", type: "INT32" },
      ],
    });
    for (let i = 0; i < 300; i++) {
      if (i % 10 !== 3 && i % 4 !== 0)
        await exposure.write([
          { step: 1 + (i % 20), row: i % 3, document: `web/part#${i}`, start: 0, length: 9 },
        ]);
    }
    await exposure.close();
    const run: RunTables = {
      exposureParquet: join(root, "exposure.parquet"),
      documentsGlob: join(root, "documents/*.parquet"),
      rejectsGlob: join(root, "rejects/*.parquet"),
      tokensParquet: join(root, "none.parquet"),
      rawGlobs: [],
    };
    scanned = await openRunTrace(run, join(root, "index"));
    const work = { report: silentReporter, signal: new AbortController().signal };
    await buildTraceIndex(run, join(root, "index"), work);
    indexed = await openRunTrace(run, join(root, "index"));
  });
  afterAll(() => rm(root, { recursive: true }));

  it("says so, and weighs what it weighs", async () => {
    expect([scanned.indexed, indexed.indexed]).toEqual([false, true]);
    expect((await indexBytes(join(root, "index"))).passages).toBeGreaterThan(0);
  });

  it("gives the answers of the tables for documents, kept and dropped", async () => {
    for (const i of [0, 1, 3, 44, 299])
      expect(await indexed.document(`web/part#${i}`)).toEqual(await scanned.document(`web/part#${i}`));
    await expect(indexed.document("web/part#900")).rejects.toThrow(/LEDGER_NO_DOCUMENT/);
  });

  it("gives the answers of the tables for domains and what lies below them, and for no neighbour", async () => {
    for (const domain of [
      "example.com",
      "WWW.example.com.",
      "org",
      "other.example",
      "nowhere.test",
      "example",
    ])
      expect(await indexed.domain(domain), domain).toEqual(await scanned.domain(domain));
  });

  it("gives the answers of the tables for passages, long and short", async () => {
    for (const passage of [
      text(17),
      text(33).slice(5),
      "ways in which people say them.",
      "of the 31 ways",
      "nowhere to be found in any of all these documents at all",
    ])
      expect(await indexed.text(passage, 5), passage).toEqual(await scanned.text(passage, 5));
  });

  it("names where the passages of a text come from, with and without an index: training documents only", async () => {
    // Documents 5 and 7 were trained on, 8 was kept and not yet read by a step, 13 was dropped.
    const mine = `They write: ${text(7)} And then ${text(8).slice(0, 70)}, or ${text(13).slice(20)}`;
    const answers = [await scanned.origins(mine), await indexed.origins(mine)];
    expect(answers[0]!.spans).toEqual(answers[1]!.spans);
    const [first, second] = answers[1]!.spans;
    expect(mine.slice(first!.start, first!.end).trim()).toBe(text(7));
    expect(first).toMatchObject({
      count: 1,
      documents: [
        { kind: "document", id: "web/part#7", source: "books", licence: "MIT", language: "eng", steps: 1 },
      ],
    });
    expect(mine.slice(second!.start, second!.end)).toContain("Document 8 speaks of");
    expect(second!.documents[0]).toMatchObject({ id: "web/part#8", steps: 0 });
    const all = answers[1]!.spans.flatMap(({ documents }) => documents.map(({ id }) => id));
    expect(all).not.toContain("web/part#13");
    expect((await indexed.origins("nothing of this stands anywhere in the corpus at all")).spans).toEqual([]);
  });
});
