/** @file Reading a source that was stopped: goes on inside the file, to the same bytes, or says why it begins anew. */
import { cpSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ParquetRowsWriter } from "../artifacts/index.ts";
import { sha256, type Work } from "../core/index.ts";
import { packRecord, responseBlock } from "./crawl/warc-writer.ts";
import { type ExtractSummary, extractDocuments } from "./extract-documents.ts";
import { workWith } from "./recorded-work.test-work.ts";
import { type ResolvedSource, resolveSource } from "./resolve-source.ts";
import type { SavePace } from "./save-pace.ts";
import { sourceSpecSchema } from "./source-spec.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-resume-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Time to save after every `n`-th batch. */
const every = (n: number): SavePace => {
  let batches = 0;
  return () => ++batches % n === 0;
};
const row = (i: number): string =>
  i % 97 === 5 ? "{broken" : JSON.stringify({ id: i % 400, text: `Line ${i} of the file.` });
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `${row(from + i)}\n`).join("");

async function resolve(reader: object): Promise<ResolvedSource> {
  const spec = sourceSpecSchema.parse({ id: "in", licence: "CC0-1.0", category: "other", reader });
  return resolveSource(spec, dir);
}

interface Read {
  readonly summary: ExtractSummary;
  readonly facts: unknown[];
  /** Hashes of what lies there, the files of the work left out. */
  readonly bytes: Record<string, string>;
  readonly said: readonly string[];
}

/** Reads into `out`; `onBatch` is called when the n-th batch has been read and not yet written. */
async function read(
  source: ResolvedSource,
  out: string,
  pace?: SavePace,
  onBatch: (n: number) => void = () => undefined,
): Promise<Read> {
  const facts: Read["facts"] = [];
  const said: string[] = [];
  let batch = 0;
  const quiet = workWith(1, facts as never);
  const work: Work = {
    ...quiet,
    report: { ...quiet.report, line: (text) => void said.push(text) },
    signal: { throwIfAborted: () => onBatch(batch++) } as AbortSignal,
  };
  const summary = await extractDocuments(source, out, work, pace);
  const bytes: Record<string, string> = {};
  for (const folder of ["raw", "rejects"])
    for (const name of (await readdir(join(out, folder))).sort())
      bytes[`${folder}/${name}`] = sha256(await readFile(join(out, folder, name)));
  return { summary, facts, bytes, said };
}

const SOURCES: Record<string, () => Promise<object>> = {
  "JSON Lines, plain and packed, with ids that come twice": async () => {
    await writeFile(join(dir, "a.jsonl"), lines(0, 1100));
    await writeFile(join(dir, "b.jsonl.gz"), gzipSync(lines(100, 1300)).subarray(0, -9));
    return { type: "jsonl", path: ["a.jsonl", "b.jsonl.gz"], fields: { id: "id" } };
  },
  "web archives": async () => {
    const records = Array.from({ length: 150 }, (_, i) =>
      packRecord({
        type: "response",
        url: `https://example.org/${i}`,
        date: "2026-01-15T12:00:00Z",
        contentType: "application/http; msgtype=response",
        block: responseBlock(
          i % 9 === 4 ? 404 : 200,
          [["Content-Type", "text/plain"]],
          Buffer.from(`Page ${i} speaks of snow.`),
        ),
      }),
    );
    records[40]!.fill(0, 60, 70);
    await writeFile(join(dir, "1.warc.gz"), Buffer.concat(records.slice(0, 100)));
    await writeFile(join(dir, "2.warc.gz"), Buffer.concat(records.slice(100)));
    return { type: "warc", path: ["1.warc.gz", "2.warc.gz"] };
  },
  "Parquet, by row groups": async () => {
    const columns = [{ name: "text", type: "STRING" }] as const;
    const writer = await ParquetRowsWriter.create(join(dir, "a.parquet"), { columns, rowGroupRows: 700 });
    await writer.write(Array.from({ length: 1500 }, (_, i) => ({ text: `Row ${i}.` })));
    await writer.close();
    return { type: "parquet", path: "a.parquet" };
  },
  "a folder, in passages": async () => {
    for (const name of ["a.md", "b.md", "c.md"])
      await writeFile(join(dir, name), `# ${name}\n\n${`A paragraph of ${name}.\n\n`.repeat(60)}`);
    return { type: "folder", path: ".", passageCharacters: 400 };
  },
};

describe("reading that was killed", () => {
  for (const [name, make] of Object.entries(SOURCES)) {
    it(`goes on from any moment to the same bytes: ${name}`, async () => {
      const source = await resolve(await make());
      const whole = await read(source, join(dir, "whole"));
      // What lies on the disk at every batch is what a kill at that moment leaves.
      const moments: string[] = [];
      await read(source, join(dir, "steps"), every(2), (n) => {
        const moment = join(dir, `moment-${n}`);
        cpSync(join(dir, "steps"), moment, { recursive: true });
        moments.push(moment);
      });
      expect(moments.length).toBeGreaterThan(2);
      let goneOn = 0;
      for (const moment of [...moments, join(dir, "steps")]) {
        const again = await read(source, moment);
        goneOn += again.said.filter((line) => /goes on after [1-9]/.test(line)).length;
        expect({ ...again, said: [] }).toEqual({ ...whole, said: [] });
      }
      expect(goneOn).toBe(moments.length + 1 - 2);
    });
  }

  it("is killed again and again, stopped in between, and comes to the same end", async () => {
    const source = await resolve(await SOURCES["JSON Lines, plain and packed, with ids that come twice"]!());
    const whole = await read(source, join(dir, "whole"));
    const out = join(dir, "out");
    for (let round = 0; ; round++) {
      const stop = new Error("stopped");
      const one = await read(source, out, every(1), (n) => {
        if (n === 1) throw stop;
      }).catch((error: unknown) => error);
      if (one !== stop) {
        expect({ ...(one as Read), said: [] }).toEqual({ ...whole, said: [] });
        expect(round).toBeGreaterThan(3);
        return;
      }
    }
  });

  it("trusts no journal that does not fit: other input, a damaged shard, a journal cut off", async () => {
    const make = async (more = ""): Promise<ResolvedSource> => {
      await writeFile(join(dir, "a.jsonl"), lines(0, 2000) + more);
      return resolve({ type: "jsonl", path: "a.jsonl", fields: { id: "id" } });
    };
    const source = await make();
    const whole = await read(source, join(dir, "whole"));
    const moment = join(dir, "moment");
    await read(source, join(dir, "steps"), every(1), (n) => {
      if (n === 3) cpSync(join(dir, "steps"), moment, { recursive: true });
    });
    const spoil = (path: string, change: (bytes: Buffer) => Buffer) => async (out: string) => {
      const file = join(out, path);
      await writeFile(file, change(await readFile(file)));
    };
    const flip = (bytes: Buffer): Buffer => {
      bytes[bytes.length >> 1]! ^= 1;
      return bytes;
    };
    const cut = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length >> 1);
    const harms = [
      spoil("journal.firn-tmp", flip),
      spoil("journal.firn-tmp", cut),
      spoil("raw/raw-00000.parquet.firn-tmp", () => Buffer.alloc(0)),
      spoil("ids.firn-tmp/hashes", cut),
    ];
    for (const [i, harm] of harms.entries()) {
      const out = join(dir, `harm-${i}`);
      await cp(moment, out, { recursive: true });
      await harm(out);
      const again = await read(source, out);
      expect(again.said.join(), String(i)).toMatch(/journal of an interrupted run is not used/);
      expect({ ...again, said: [] }).toEqual({ ...whole, said: [] });
    }
    const longer = await make("\n");
    expect((await read(longer, moment)).said.join()).toMatch(/it belongs to other input/);
  });

  it("does not go on with what it read from a file that was changed, even when the file comes back", async () => {
    await writeFile(join(dir, "a.jsonl"), lines(0, 1600));
    const source = await resolve({ type: "jsonl", path: "a.jsonl" });
    const whole = await read(source, join(dir, "whole"));
    const out = join(dir, "out");
    let changed: Promise<void> | undefined;
    const error = await read(source, out, every(1), (n) => {
      if (n === 1) changed = writeFile(join(dir, "a.jsonl"), lines(1, 1601));
    }).catch((thrown: unknown) => thrown);
    await changed;
    expect(error).toMatchObject({ code: "DATA_SOURCE_CHANGED" });
    await writeFile(join(dir, "a.jsonl"), lines(0, 1600));
    expect({ ...(await read(source, out)), said: [] }).toEqual({ ...whole, said: [] });
  });
});
