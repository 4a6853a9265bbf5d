import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTokens, TokensWriter } from "./tokens.ts";

const TOKENIZER = "ab".repeat(32);
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "firn-tokens-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function write(splits: Readonly<Record<string, readonly (readonly number[])[]>>): Promise<void> {
  const writer = await TokensWriter.create(dir, { vocabSize: 5000, tokenizer: TOKENIZER });
  for (const [split, documents] of Object.entries(splits)) {
    await writer.startSplit(split);
    for (const [i, ids] of documents.entries()) {
      const fields = {
        id: `${split}/${i}`,
        language: i % 2 === 0 ? "deu" : null,
        source: "s",
        bytes: 3 * ids.length,
        repeats: 1 + (i % 3),
      };
      await writer.add(Int32Array.from(ids), fields);
    }
  }
  await writer.close();
}

describe("a tokens artifact", () => {
  it("gives back every document of every split, in order", async () => {
    const documents = fc.array(fc.array(fc.nat(4999), { maxLength: 30 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(documents, documents, async (train, heldout) => {
        await write({ train, heldout });
        for (const [split, expected] of Object.entries({ train, heldout })) {
          const tokens = await openTokens(dir, split);
          expect(tokens).toMatchObject({ split, vocabSize: 5000, tokenizer: TOKENIZER });
          expect(tokens.documentCount).toBe(expected.length);
          expect(tokens.tokenCount).toBe(expected.flat().length);
          const { ids, documentOffsets } = tokens;
          expect(
            expected.map((_, i) => Array.from(ids.subarray(documentOffsets[i], documentOffsets[i + 1]))),
          ).toEqual(expected);
          const rows = await tokens.documents();
          expect(rows.map(({ id, length, repeats }) => [id, length, repeats])).toEqual(
            expected.map((document, i) => [`${split}/${i}`, document.length, 1 + (i % 3)]),
          );
        }
      }),
      { numRuns: 20 },
    );
  });

  it("lays the bytes out as Megatron-LM's indexed dataset", async () => {
    await write({
      train: [
        [1, 1000, 2],
        [1, 2],
      ],
    });
    const bin = await readFile(join(dir, "train.bin"));
    expect([0, 4, 8, 12, 16].map((at) => bin.readInt32LE(at))).toEqual([1, 1000, 2, 1, 2]);
    const index = await readFile(join(dir, "train.idx"));
    expect(index.subarray(0, 9).toString("latin1")).toBe("MMIDIDX\0\0");
    expect(index.readBigUInt64LE(9)).toBe(1n);
    expect(index.readUInt8(17)).toBe(4);
    // The second document is read twice in a pass: two sequences at the same place.
    expect([18, 26].map((at) => index.readBigUInt64LE(at))).toEqual([3n, 4n]);
    expect([34, 38, 42].map((at) => index.readInt32LE(at))).toEqual([3, 2, 2]);
    expect([46, 54, 62].map((at) => index.readBigInt64LE(at))).toEqual([0n, 12n, 12n]);
    expect([70, 78, 86, 94].map((at) => index.readBigInt64LE(at))).toEqual([0n, 1n, 2n, 3n]);
    expect(index.length).toBe(102);
  });

  it("is read in its first format, too, whose index named each document once", async () => {
    await write({
      train: [
        [1, 1000, 2],
        [1, 2],
      ],
    });
    const index = await readFile(join(dir, "train.idx"));
    const once = Buffer.concat([index.subarray(0, 42), index.subarray(46, 62), index.subarray(70, 94)]);
    once.writeBigUInt64LE(2n, 18);
    once.writeBigUInt64LE(3n, 26);
    await writeFile(join(dir, "train.idx"), once);
    const rows = async () => (await openTokens(dir, "train")).documents();
    await expect(rows()).rejects.toMatchObject({ code: "TOKENS_BROKEN" });
    const described = await readFile(join(dir, "tokens.json"), "utf8");
    await writeFile(join(dir, "tokens.json"), described.replace('"format": 2', '"format": 1'));
    expect((await rows()).map(({ repeats, sequence }) => [repeats, sequence])).toEqual([
      [1, 0],
      [2, 1],
    ]);
  });

  it("writes documents longer than its buffer", async () => {
    const long = Array.from({ length: (1 << 18) + 7 }, (_, i) => i % 5000);
    await write({ train: [[1, 2], long, [3]] });
    const { ids } = await openTokens(dir, "train");
    expect(ids.length).toBe(long.length + 3);
    expect(ids.subarray(2, 2 + long.length)).toEqual(Int32Array.from(long));
  });

  it("notices every kind of damage", async () => {
    const change = async (name: string, edit: (bytes: Buffer) => Buffer): Promise<void> => {
      const path = join(dir, name);
      await writeFile(path, edit(await readFile(path)));
    };
    const cases: [string, string, (bytes: Buffer) => Buffer][] = [
      ["train.bin", "TOKENS_BROKEN", (bytes) => bytes.subarray(0, -1)],
      ["train.bin", "TOKENS_BROKEN", (bytes) => Buffer.concat([bytes, Buffer.alloc(4)])],
      ["train.bin", "TOKENS_ID_RANGE", (bytes) => (bytes.writeInt32LE(5000, 4), bytes)],
      ["train.bin", "TOKENS_ID_RANGE", (bytes) => (bytes.writeInt32LE(-1, 4), bytes)],
      ["train.idx", "TOKENS_BROKEN", (bytes) => bytes.subarray(0, 20)],
      ["train.idx", "TOKENS_BROKEN", (bytes) => bytes.subarray(0, -3)],
      ["train.idx", "TOKENS_BROKEN", (bytes) => (bytes.writeUInt8(5, 17), bytes)],
      ["train.idx", "TOKENS_BROKEN", (bytes) => (bytes.writeBigUInt64LE(2n ** 60n, 18), bytes)],
      ["train.idx", "TOKENS_BROKEN", (bytes) => (bytes.writeInt32LE(-3, 34), bytes)],
      ["train.idx", "TOKENS_BROKEN", (bytes) => (bytes.writeBigInt64LE(8n, 50), bytes)],
      ["tokens.json", "TOKENS_BROKEN", () => Buffer.from("{}")],
      ["tokens.json", "TOKENS_BROKEN", (bytes) => bytes.subarray(0, 9)],
    ];
    for (const [name, code, edit] of cases) {
      await write({
        train: [
          [1, 1000, 2],
          [1, 2],
        ],
      });
      await change(name, edit);
      await expect(openTokens(dir, "train"), `${name} ${code}`).rejects.toMatchObject({ code });
    }
    await write({ train: [[1, 2]] });
    await rm(join(dir, "train.bin"));
    await expect(openTokens(dir, "train")).rejects.toMatchObject({ code: "TOKENS_MISSING" });
    await expect(openTokens(dir, "other")).rejects.toMatchObject({ code: "TOKENS_MISSING" });
    await expect(openTokens(join(dir, "nowhere"), "train")).rejects.toMatchObject({ code: "TOKENS_MISSING" });
  });

  it("refuses ids outside the vocabulary and leaves no unfinished files when given up", async () => {
    const writer = await TokensWriter.create(dir, { vocabSize: 10, tokenizer: TOKENIZER });
    await writer.startSplit("train");
    const fields = { id: "a", language: null, source: "s", bytes: 1, repeats: 1 };
    await expect(writer.add(Int32Array.of(10), fields)).rejects.toThrow(/outside the vocabulary/);
    await writer.abandon();
    expect(await readdir(dir)).toEqual([]);
  });
});
