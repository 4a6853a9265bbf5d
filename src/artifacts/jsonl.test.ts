import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type JsonlItem, type JsonlOptions, readJsonl } from "./jsonl.ts";
import { loadZstd, type Zstd } from "./zstd.ts";

let dir: string;
let zstd: Zstd;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-jsonl-"));
  zstd = await loadZstd();
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function read(name: string, bytes: Uint8Array | string, options?: JsonlOptions): Promise<JsonlItem[]> {
  const path = join(dir, name);
  await writeFile(path, bytes);
  const items: JsonlItem[] = [];
  for await (const batch of readJsonl(path, options)) items.push(...batch);
  return items;
}

/** A zstd frame that does not declare its size: one raw block. */
function frameWithoutSize(content: Uint8Array): Uint8Array {
  const header = (content.length << 3) | 1;
  return Uint8Array.from([
    0x28,
    0xb5,
    0x2f,
    0xfd,
    0x00,
    0x58,
    header & 255,
    (header >> 8) & 255,
    header >> 16,
    ...content,
  ]);
}

const reasons = (items: readonly JsonlItem[]): string[] =>
  items.map((item) => ("reason" in item ? `${item.line}:${item.reason}` : `${item.line}:ok`));

describe("JSON Lines", () => {
  it("reads values with their line numbers and skips blank lines and a byte order mark", async () => {
    expect(await read("a.jsonl", '\ufeff{"text":"ä"}\r\n\n  \n[1]\n"last"')).toEqual([
      { line: 1, value: { text: "ä" } },
      { line: 4, value: [1] },
      { line: 5, value: "last" },
    ]);
    expect(await read("empty.jsonl", "")).toEqual([]);
  });

  it("names each broken line and keeps its neighbours", async () => {
    const lines = Buffer.concat([
      Buffer.from('{"n":1}\n{"n":\n'),
      Buffer.from([0x22, 0xff, 0xfe, 0x22, 10]),
      Buffer.from(`"${"x".repeat(2000)}"\n{"n":2}\n\0\0\n{"n":3}`),
    ]);
    expect(reasons(await read("b.jsonl", lines, { maxLineBytes: 1000 }))).toEqual([
      "1:ok",
      "2:json-invalid",
      "3:utf8-invalid",
      "4:line-too-long",
      "5:ok",
      "6:json-invalid",
      "7:ok",
    ]);
  });

  it("skips a line far larger than its bound without holding it", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const held = (): number => {
      collect();
      return process.memoryUsage().arrayBuffers;
    };
    const packed = gzipSync(Buffer.alloc(64 << 20, "y"));
    const before = held();
    const items = await read("long.jsonl.gz", packed, { maxLineBytes: 1 << 20 });
    expect(reasons(items)).toEqual(["1:line-too-long"]);
    // What was freed is counted as held until finalizers have run, which takes some turns of the event loop.
    let more = held() - before;
    for (let tries = 0; more >= 8 << 20 && tries < 100; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      more = held() - before;
    }
    expect(more).toBeLessThan(8 << 20);
  });

  it("reads what lies before the break of a cut gzip or zstd file, and says that it broke", async () => {
    const rows = Array.from(
      { length: 20_000 },
      (_, n) => `{"n":${n},"r":"${(n * 2654435761) % 4294967296}"}`,
    );
    const gzip = gzipSync(rows.join("\n"));
    const items = await read("cut.jsonl.gz", gzip.subarray(0, gzip.length - 5000));
    expect(items.length).toBeGreaterThan(15_000);
    expect(items.slice(0, 15_000).every((item) => "value" in item)).toBe(true);
    expect(reasons(items).at(-1)).toMatch(/:file-broken$/);

    const frames = [rows.slice(0, 9000), rows.slice(9000)].map((part) =>
      zstd.compress(Buffer.from(`${part.join("\n")}\n`), 3),
    );
    const whole = Buffer.concat(frames);
    expect((await read("whole.jsonl.zst", whole)).length).toBe(20_000);
    const cut = await read("cut.jsonl.zst", whole.subarray(0, whole.length - 100));
    expect(cut.length).toBe(9001);
    expect(reasons(cut).at(-1)).toBe("9001:file-broken");
  });

  it("ends where a gzip file ends, though zeros and anything follow", async () => {
    const whole = gzipSync('{"a":1}\n');
    for (const rest of [Buffer.alloc(10), Buffer.alloc(100_000), Buffer.from([0, 0, 0, 0x28, 0xc0, 0xec])])
      expect(reasons(await read("padded.jsonl.gz", Buffer.concat([whole, rest])))).toEqual(["1:ok"]);
  });

  it("reads zstd frames that do not declare their size, and skippable ones", async () => {
    const skippable = Uint8Array.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9]);
    const bytes = Buffer.concat([
      frameWithoutSize(Buffer.from('{"a":1}\n')),
      skippable,
      zstd.compress(Buffer.from("[2]"), 1),
    ]);
    expect(reasons(await read("odd.jsonl.zst", bytes))).toEqual(["1:ok", "2:ok"]);
  });

  it("refuses a zstd bomb", async () => {
    const block = Uint8Array.from([
      0x02 | ((131072 << 3) & 255),
      ((131072 << 3) >> 8) & 255,
      (131072 << 3) >> 16,
      0,
    ]);
    const bomb = Buffer.concat([
      Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]),
      ...Array.from({ length: 5000 }, () => block),
    ]);
    expect(reasons(await read("bomb.jsonl.zst", bomb))).toEqual(["1:file-broken"]);
  });

  it("survives any bytes in any packing, and finds every whole line around them", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom("plain", "gz", "zst", "raw.gz", "raw.zst"),
        async (noise, packing) => {
          const bytes = Buffer.concat([Buffer.from('{"first":1}\n'), noise, Buffer.from('\n{"last":2}\n')]);
          const name = packing === "plain" ? "fuzz.jsonl" : `fuzz.jsonl.${packing.replace("raw.", "")}`;
          if (packing.startsWith("raw")) {
            await read(name, noise);
            return;
          }
          const packed =
            packing === "gz" ? gzipSync(bytes) : packing === "zst" ? zstd.compress(bytes, 1) : bytes;
          const items = await read(name, packed);
          expect(items[0]).toEqual({ line: 1, value: { first: 1 } });
          expect(items.at(-1)).toMatchObject({ value: { last: 2 } });
        },
      ),
      { numRuns: 200 },
    );
  });

  it("are gone on with after any batch as if read from the beginning, packed and cut off too", async () => {
    const rows = Array.from({ length: 1300 }, (_, i) => (i % 300 === 7 ? "{broken\n\n" : `[${i}]\n`)).join(
      "",
    );
    const forms: [string, Uint8Array][] = [
      ["a.jsonl", Buffer.from(rows)],
      ["b.jsonl", Buffer.from(rows.slice(0, -1))],
      ["c.jsonl.gz", gzipSync(rows)],
      ["d.jsonl.gz", gzipSync(rows).subarray(0, -20)],
      ["e.jsonl.zst", zstd.compress(Buffer.from(rows), 3)],
    ];
    for (const [name, bytes] of forms) {
      const whole = await read(name, bytes);
      const moving = { offset: 0, line: 0 };
      let count = 0;
      for await (const batch of readJsonl(join(dir, name), { place: moving })) {
        count += batch.length;
        expect(moving.offset > 0).toBe(name.endsWith(".jsonl"));
        expect(await read(name, bytes, { place: { ...moving } }), name).toEqual(whole.slice(count));
      }
      expect(count).toBe(whole.length);
    }
  });
});
